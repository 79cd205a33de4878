# SPDX-License-Identifier: Apache-2.0
"""A bridge at a real broker, with an inbox one can hold and a pipeline that settles as the test says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt

from smartcity.transports.bridge import mapping
from smartcity.transports.bridge.bridge import Bridge
from smartcity.transports.bridge.link import Link
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.letters import Letter
from smartcity.transports.messages import Outcome, RawMessage
from smartcity.transports.mqtt.client import Retry

CITY_MS = 1_777_871_600_000  # 05:13:20 UTC
SOON = Retry(0.02, 0.1)
PLAIN = 'format = "plain"\ntopic = "sensors/{device}/up"\nack_topic = "sensors/{device}/ack"\n'
PLAIN += 'command_topic = "sensors/{device}/cmd"\ncodec = "senml"\n'
Verdict = Callable[[RawMessage], Outcome | None]


def stores(message: RawMessage) -> Outcome:
    return Outcome.STORED


@dataclass
class Stand:
    bridge: Bridge
    inbox: BoundedInbox
    task: asyncio.Task[None]
    verdict: Verdict = stores
    taken: list[RawMessage] = field(default_factory=list)
    unsettled: list[RawMessage] = field(default_factory=list)
    pump: asyncio.Task[None] | None = None

    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.taken]

    async def settle_all(self) -> None:
        """What the verdict says nothing of stays unsettled."""
        while True:
            for message in await self.inbox.take(within_s=0.001):
                self.taken.append(message)
                outcome = self.verdict(message)
                if outcome is None:
                    self.unsettled.append(message)
                else:
                    message.settle(outcome)

    @property
    def link(self) -> Link:
        assert self.bridge._link is not None
        return self.bridge._link

    def kill(self) -> None:
        """As kill -9 would: the socket is gone, nothing is said."""
        self.link.abort()


def write_mapping(path: Path, port: int, source: str = PLAIN, broker: str = "", rest: str = "") -> Path:
    path.write_text(f'[broker]\naddress = "127.0.0.1:{port}"\n{broker}\n[[source]]\n{source}\n{rest}')
    return path


@asynccontextmanager
async def bridge(
    path: Path, *, client_id: str = "", verdict: Verdict = stores, max_messages: int = 10_000, pumped: bool = True,
    within_s: float = 10, **more,
) -> AsyncIterator[Stand]:  # fmt: skip
    inbox = BoundedInbox(max_messages=max_messages)
    made = Bridge(
        mapping.read(path), inbox, city_ms=lambda: CITY_MS, client_id=client_id, retry=SOON,
        jitter=random.Random(1), **more,
    )  # fmt: skip
    stand = Stand(made, inbox, asyncio.create_task(made.run()), verdict)
    if pumped:
        stand.pump = asyncio.create_task(stand.settle_all())
    try:
        async with asyncio.timeout(within_s):
            await made.wait_connected()
        yield stand
    finally:
        for task in (stand.task, stand.pump):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)


@asynccontextmanager
async def colleague(port: int, listens: Sequence[str] = (), **more) -> AsyncIterator[aiomqtt.Client]:
    """Another client of the broker: a sensor, or the network server."""
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, **more) as client:
        for topic in listens:
            await client.subscribe(topic, qos=1)
        yield client


async def say(port: int, *said: tuple[str, bytes], qos: int = 1, retain: bool = False, **more) -> None:
    """Each is acknowledged by the broker before the next."""
    async with colleague(port, **more) as client:
        for topic, payload in said:
            await client.publish(topic, payload, qos=qos, retain=retain)


async def hear(client: aiomqtt.Client, within_s: float = 5) -> tuple[str, bytes]:
    async with asyncio.timeout(within_s):
        message = await anext(aiter(client.messages))
        assert isinstance(message.payload, bytes)
        return str(message.topic), message.payload


def letter(device: str, key: str, payload: bytes = b"\x32", point: str = "dim", expires_in_s: float = 600) -> Letter:
    return Letter(device, key, point, payload, expires_in_s)
