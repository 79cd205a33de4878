# SPDX-License-Identifier: Apache-2.0
"""What the gateway's tests are arranged with: a gateway on a free port, a pipeline one can hold, a raw device."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import mqtt5

from smartcity.transports.credentials import SecretTable, digest
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.messages import Outcome, RawMessage
from smartcity.transports.mqtt.client import DeviceClient
from smartcity.transports.mqtt.framing import FrameReader
from smartcity.transports.mqtt.gateway import Gateway
from smartcity.transports.mqtt.limits import Limits

CITY_MS = 1_700_000_000_000
SECRETS = {"L-1": "a" * 64, "L-2": "b" * 64}


@dataclass
class Street:
    gateway: Gateway
    inbox: BoundedInbox
    secrets: SecretTable
    port: int
    stored: list[RawMessage] = field(default_factory=list)
    ready: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    _pipeline: asyncio.Task[None] | None = None

    def run_pipeline(self, verdict: Callable[[RawMessage], Outcome] = lambda message: Outcome.STORED) -> None:
        self._pipeline = asyncio.get_running_loop().create_task(self._settle_all(verdict))

    async def _settle_all(self, verdict: Callable[[RawMessage], Outcome]) -> None:
        while True:
            for message in await self.inbox.take(within_s=0.001):
                self.stored.append(message)
                message.settle(verdict(message))

    def device(self, uid: str = "L-1", **options) -> RawDevice:
        return RawDevice(self.port, uid, SECRETS.get(uid, "c" * 64), **options)

    async def client(self, uid: str = "L-1", **options) -> DeviceClient:
        client = DeviceClient(**options)
        await client.connect("127.0.0.1", self.port, uid, SECRETS[uid])
        return client

    async def close(self) -> None:
        if self._pipeline is not None:
            self._pipeline.cancel()
        await self.gateway.close()


@asynccontextmanager
async def open_street(*, max_messages: int = 10_000, **limits) -> AsyncIterator[Street]:
    inbox = BoundedInbox(max_messages=max_messages)
    secrets = SecretTable({uid: digest(secret) for uid, secret in SECRETS.items()})
    gateway = Gateway(inbox, secrets, city_ms=lambda: CITY_MS, limits=Limits(**limits))
    street = Street(gateway, inbox, secrets, await gateway.serve(port=0))
    gateway.on_ready = street.ready.append
    gateway.on_gone = street.gone.append
    try:
        yield street
    finally:
        await street.close()


class RawDevice:
    """A device that may say anything, packet by packet, in MQTT 5."""

    def __init__(self, port: int, uid: str, secret: str, **connect) -> None:
        self.port = port
        self.uid = uid
        self.connect: dict[str, Any] = {"username": uid, "password": secret.encode(), "clean_start": True} | connect
        self._frames = FrameReader(2**20)
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def dial(self) -> RawDevice:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def arrive(self) -> mqtt5.ConnAckPacket:
        await self.dial()
        self.send(mqtt5.ConnectPacket(self.connect.pop("client_id", self.uid), **self.connect))
        answer = await self.hear()
        assert isinstance(answer, mqtt5.ConnAckPacket)
        return answer

    def send(self, *packets) -> None:
        self.say(b"".join(packet.write() for packet in packets))

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    def publish(self, packet_id: int, topic: str = "", payload: bytes = b"{}", **options) -> None:
        qos = options.pop("qos", mqtt5.QoS.AT_LEAST_ONCE)
        self.send(mqtt5.PublishPacket(topic or f"sc/{self.uid}/up", payload, qos=qos, packet_id=packet_id, **options))

    async def hear_frame(self, within_s: float = 2) -> bytes:
        """The next packet as bytes; b"" when the server has closed."""
        async with asyncio.timeout(within_s):
            while (frame := self._frames.next_frame()) is None:
                data = await self.reader.read(65_536)
                if not data:
                    return b""
                self._frames.feed(data)
            return frame

    async def hear(self, within_s: float = 2):
        """The next packet; None when the server has closed."""
        try:
            frame = await self.hear_frame(within_s)
        except ConnectionError:
            return None
        return mqtt5.read(memoryview(frame))[0] if frame else None

    async def hears_nothing(self, for_s: float = 0.15) -> bool:
        try:
            await self.hear(for_s)
        except TimeoutError:
            return True
        return False

    def leave(self) -> None:
        self.writer.close()


async def until(claim: Callable[[], object], within_s: float = 3) -> None:
    async with asyncio.timeout(within_s):
        while not claim():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
