# SPDX-License-Identifier: Apache-2.0
"""The CoAP road of the fuzz: payloads hurt under a right key, requests hurt inside it, datagrams hurt as strangers send
them. What is not answered is said again, as a device would: UDP may lose it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiocoap import Message
from aiocoap.numbers.codes import Code

from benchmarks.chaos import mutations, payloads
from benchmarks.chaos.provision import secret, uid
from benchmarks.chaos.victims import Victim
from tests.transports.coap.street import Device, Raw, inside_of, opened, sealed, wire

if TYPE_CHECKING:
    from benchmarks.chaos.fuzz import Told

WINDOW: Final = 5  # requests of a device on their way at once
PACE_S: Final = 0.1  # for a window: what a device may say in the long run
A_DATAGRAM: Final = 100  # payloads to one datagram that is hurt itself, and to one request that is hurt inside
LARGEST: Final = 1_024
AGAIN_S: Final = 2.0
HASTY: Final = b"too many requests"  # such a payload was never looked at
ANSWER_S: Final = 60.0
JSON, CBOR = 110, 112


class HasDoor(Protocol):
    @property
    def coap_port(self) -> int: ...


@dataclass(slots=True)
class Speaker:
    """A device and its socket; `asked` are the requests under way by message id: what was sent, and its proof."""

    device: Device
    raw: Raw
    mid: int = 0
    asked: dict[int, tuple[bytes, Any]] = field(default_factory=dict)

    def ask(self, outer: Message, proof: Any) -> None:
        self.mid = (self.mid + 1) % 2**16
        datagram = wire(outer, self.mid)
        self.asked[self.mid] = datagram, proof
        self.raw.say(datagram)

    async def answers(self) -> list[Message]:
        """To all that is under way, or to what was answered in time; the rest stays in `asked`."""
        until, found = time.monotonic() + ANSWER_S, []
        while self.asked and time.monotonic() < until:
            try:
                answer = await self.raw.hear(AGAIN_S)
            except TimeoutError:
                for datagram, _ in self.asked.values():
                    self.raw.say(datagram)
                continue
            _, proof = self.asked.pop(int.from_bytes(answer[2:4], "big"), (b"", None))
            if proof is not None:
                found.append(_read(self.device, answer, proof))
        return found

    async def introduce(self) -> None:
        """Until the city has believed it once."""
        self.ask(*self.device.request(b"[]"))
        (answer,) = await self.answers()
        assert answer.opt.echo, answer
        self.ask(*self.device.request(payloads.record("40", int(time.time())), echo=answer.opt.echo))
        (answer,) = await self.answers()
        assert answer.code == Code.CHANGED, answer


async def attack(city: Victim, devices: range, many: int, seed: int, told: Told) -> None:
    rounds = ceil(1.05 * many / (len(devices) * WINDOW))
    async with asyncio.TaskGroup() as tasks:
        for device in devices:
            tasks.create_task(_speak(city, device, Random(f"{seed} coap {device}"), rounds, told))


async def honest(city: Victim, device: int) -> None:
    speaker = await arrived(city, device)
    await speaker.introduce()
    speaker.raw.transport.close()


async def arrived(city: HasDoor, device: int) -> Speaker:
    address = ("127.0.0.1", city.coap_port)
    _, raw = await asyncio.get_running_loop().create_datagram_endpoint(Raw, remote_addr=address)
    return Speaker(Device(uid(device), secret(uid(device))), raw)


async def _speak(city: Victim, device: int, random: Random, rounds: int, told: Told) -> None:
    speaker = await arrived(city, device)
    await speaker.introduce()
    for _ in range(rounds):
        began = time.monotonic()
        await _round(speaker, random, told)
        await asyncio.sleep(max(0.0, began + PACE_S - time.monotonic()))
    speaker.raw.transport.close()


async def _round(speaker: Speaker, random: Random, told: Told) -> None:
    """A window of payloads, answered; now and then something worse with it."""
    now = int(time.time())
    for _ in range(WINDOW):
        media = random.choice((JSON, CBOR))
        said = (mutations.payload if media == JSON else mutations.cbor_payload)(random, now)[:LARGEST]
        speaker.ask(*speaker.device.request(said, content_format=media))
    if random.randrange(A_DATAGRAM) < WINDOW:
        inside = mutations.hurt(random, inside_of(speaker.device, said), 2)
        speaker.ask(*sealed(speaker.device, inside))
        told.bodies += 1
    if random.randrange(A_DATAGRAM) < WINDOW:
        speaker.raw.say(mutations.hurt(random, speaker.device.datagram(said), 3))
        told.packets += 1
    for answer in await speaker.answers():
        told.answers[answer.code.dotted] += 1
        told.payloads += not (answer.code == Code.SERVICE_UNAVAILABLE or answer.payload.startswith(HASTY))
    told.silent += len(speaker.asked)
    speaker.asked.clear()


def _read(device: Device, answer: bytes, proof: Any) -> Message:
    """What the city says in the clear counts as it is."""
    outer = Message.decode(answer)
    return outer if outer.opt.oscore is None else opened(device, answer, proof)
