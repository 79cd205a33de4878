# SPDX-License-Identifier: Apache-2.0
"""What the tests of the CoAP door are arranged with: a door on a free port, a device by the library, a raw one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiocoap import Context, Message, oscore
from aiocoap.message import Direction
from aiocoap.numbers.codes import Code

from smartcity.transports.coap.door import CoapLimits, Door
from smartcity.transports.coap.numbering import Numbers
from smartcity.transports.credentials import SecretTable, digest
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.messages import Outcome, RawMessage
from tests.transports.street import CITY_MS, SECRETS

PACK = b'[{"n":"lighting.power_w","v":41.5,"t":1700000000}]'
JSON, CBOR = 110, 112
HOST = "127.0.0.1"


class Device(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):  # type: ignore[misc]
    """The device's end as docs/reference/device-interface.md tells it, its sequence number in memory."""

    alg_aead = oscore.algorithms["AES-CCM-16-64-128"]
    hashfun = oscore.hashfunctions["sha256"]
    echo_recovery = None

    def __init__(self, uid: str = "L-1", secret: str = "", first: int = 0) -> None:
        self.sender_id, self.recipient_id, self.id_context = b"", b"\x01", uid.encode()
        self.sender_sequence_number = first
        self.recipient_replay_window = oscore.ReplayWindow(32, lambda: None)
        self.recipient_replay_window.initialize_empty()
        self.derive_keys(b"smart-city coap 1", digest(secret or SECRETS.get(uid, "c" * 64)))

    def post_seqnoincrease(self) -> None:
        pass

    def request(self, payload: bytes = PACK, **options) -> tuple[Message, object]:
        given = {"code": Code.POST, "uri_path": ("up",), "content_format": JSON, "payload": payload} | options
        return self.protect(Message(**given))

    def datagram(self, payload: bytes = PACK, *, mid: int = 1, kind: int = 0, **options) -> bytes:
        outer, _ = self.request(payload, **options)
        return wire(outer, mid, kind)


def wire(outer: Message, mid: int, kind: int = 0, token: bytes = b"\x07") -> bytes:
    head = bytes((0x40 | kind << 4 | len(token), int(outer.code))) + mid.to_bytes(2, "big") + token
    return head + outer.opt.encode() + (b"\xff" + outer.payload if outer.payload else b"")


@dataclass
class Quay:
    """A door, what is behind it, and the devices in front of it."""

    door: Door
    inbox: BoundedInbox
    secrets: SecretTable
    port: int
    stored: list[RawMessage] = field(default_factory=list)
    _open: list[Callable] = field(default_factory=list)
    _pipeline: asyncio.Task[None] | None = None

    def run_pipeline(self, verdict: Callable[[RawMessage], Outcome] = lambda message: Outcome.STORED) -> None:
        self._pipeline = asyncio.get_running_loop().create_task(self._settle_all(verdict))

    async def _settle_all(self, verdict: Callable[[RawMessage], Outcome]) -> None:
        while True:
            for message in await self.inbox.take(within_s=0.001):
                self.stored.append(message)
                message.settle(verdict(message))

    async def client(self, uid: str = "L-1", secret: str = "", device: Device | None = None) -> Client:
        context = await Context.create_client_context(transports=["oscore", "simple6"])
        context.client_credentials[f"coap://{HOST}:{self.port}/*"] = device or Device(uid, secret)
        self._open.append(context.shutdown)
        return Client(context, self.port)

    async def raw(self) -> Raw:
        loop = asyncio.get_running_loop()
        transport, raw = await loop.create_datagram_endpoint(Raw, remote_addr=(HOST, self.port))
        self._open.append(lambda: _close(transport))
        return raw

    async def close(self) -> None:
        if self._pipeline is not None:
            self._pipeline.cancel()
        for close in self._open:
            await close()
        await self.door.close()


async def _close(transport: asyncio.DatagramTransport) -> None:
    transport.close()


@dataclass
class Client:
    context: Context
    port: int

    async def post(self, payload: bytes = PACK, *, within_s: float = 5, **options) -> Message:
        async with asyncio.timeout(within_s):
            return await self.context.request(self.message(payload, **options)).response

    async def turned_away(self, payload: bytes = PACK) -> Message:
        """The answer in the clear to one whose key is not believed."""
        with pytest.raises(oscore.NotAProtectedMessage) as problem:
            await self.post(payload)
        return problem.value.plain_message

    def message(self, payload: bytes = PACK, *, path: str = "up", code=Code.POST, **options) -> Message:
        options = {"content_format": JSON} | options
        return Message(code=code, uri=f"coap://{HOST}:{self.port}/{path}", payload=payload, **options)


class Raw(asyncio.DatagramProtocol):
    """Says any bytes and hears what comes back."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address) -> None:
        self.heard.put_nowait(data)

    def say(self, data: bytes) -> None:
        self.transport.sendto(data)

    async def hear(self, within_s: float = 2) -> bytes:
        async with asyncio.timeout(within_s):
            return await self.heard.get()

    async def ask(self, data: bytes) -> bytes:
        self.say(data)
        return await self.hear()

    async def hears_nothing(self, for_s: float = 0.15) -> bool:
        try:
            await self.hear(for_s)
        except TimeoutError:
            return True
        return False

    async def introduced(self, device: Device, *, mid: int = 60_000) -> None:
        """Answers the city's challenge, so that what follows is taken at its word."""
        outer, proof = device.request()
        answer = opened(device, await self.ask(wire(outer, mid)), proof)
        assert answer.code == Code.UNAUTHORIZED and answer.opt.echo
        outer, proof = device.request(echo=answer.opt.echo)
        self.say(wire(outer, mid + 1))
        assert opened(device, await self.hear(), proof).code == Code.CHANGED


def sealed(device: Device, inside: bytes) -> tuple[Message, object]:
    """A request whose inside is these bytes, under the right key."""
    split, device._split_message = device._split_message, lambda message, proof: (Message(code=Code.POST), inside)
    try:
        return device.protect(Message(code=Code.POST))
    finally:
        device._split_message = split


def inside_of(device: Device, payload: bytes) -> bytes:
    """What a right request with this payload is inside."""
    message = Message(code=Code.POST, uri_path=("up",), content_format=JSON, payload=payload)
    return bytes(device._split_message(message, None)[1])


def opened(device: Device, datagram: bytes, proof) -> Message:
    """What an answer holds, for the device whose request it answers."""
    outer = Message.decode(datagram)
    outer.direction = Direction.INCOMING
    inner, _ = device.unprotect(outer, proof)
    return inner


@asynccontextmanager
async def open_quay(
    folder: Path, *, max_messages: int = 10_000, wall_ms: int = CITY_MS, **limits
) -> AsyncIterator[Quay]:
    inbox = BoundedInbox(max_messages=max_messages)
    secrets = SecretTable({uid: digest(secret) for uid, secret in SECRETS.items()})
    numbers = Numbers(folder / "coap.sequence", wall_ms)
    door = Door(inbox, secrets, numbers, city_ms=lambda: CITY_MS, limits=CoapLimits(**limits))
    quay = Quay(door, inbox, secrets, await door.serve(port=0))
    try:
        yield quay
    finally:
        await quay.close()
