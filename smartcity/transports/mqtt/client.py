# SPDX-License-Identifier: Apache-2.0
"""The device's end: a small MQTT 5 client that forgets a message only after its acknowledgement.

Many fit in one process; the twin runs 1,200 of them. It connects again by itself, with backoff and jitter, and then
repeats what was not acknowledged.
"""

from __future__ import annotations

import asyncio
import random
import ssl as tls
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import mqtt5
from mqtt5 import DisconnectReasonCode, PubAckReasonCode, QoS

from smartcity.transports.messages import Kind
from smartcity.transports.mqtt.buffer import Acknowledged, Buffer, BufferFull
from smartcity.transports.mqtt.codec import Incoming, read_packet
from smartcity.transports.mqtt.framing import BadPacket, FrameReader
from smartcity.transports.mqtt.topics import command_topic

__all__ = ["Acknowledged", "BufferFull", "ConnectionRefused", "DeviceClient", "Retry"]

MAX_PACKET = 262_144
CONNECT_TIMEOUT_S = 10.0
STEADY_AFTER_S = 5.0
NO_KEEP_ALIVE_S = 3_600

OnCommand = Callable[[bytes], None]


class ConnectionRefused(ConnectionError):
    """The server's CONNACK said no; `code` says why."""

    def __init__(self, code: mqtt5.ConnAckReasonCode) -> None:
        super().__init__(code.name.lower().replace("_", " "))
        self.code = code


@dataclass(frozen=True, slots=True)
class Retry:
    """Seconds before the next attempt: doubling from first to longest, each drawn between half and all of it."""

    first_s: float = 0.5
    longest_s: float = 30.0

    def delay(self, failures: int, draw: float) -> float:
        return min(self.longest_s, self.first_s * 2.0 ** min(failures, 16)) * (0.5 + draw / 2)


class _Link(asyncio.Protocol):
    """One connection of a client; it knows nothing of what came before."""

    transport: asyncio.Transport

    def __init__(self, client: DeviceClient) -> None:
        loop = asyncio.get_running_loop()
        self.client = client
        self.lost: asyncio.Future[None] = loop.create_future()
        self.connack: asyncio.Future[mqtt5.ConnAckPacket] = loop.create_future()
        self.suback: asyncio.Future[mqtt5.SubAckPacket] = loop.create_future()
        self.goodbye: DisconnectReasonCode | None = None
        self.last_heard = loop.time()
        self.keep_alive_s = NO_KEEP_ALIVE_S
        self._reader = FrameReader(MAX_PACKET)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.last_heard = self.client.loop.time()
        self._reader.feed(data)
        try:
            while (frame := self._reader.next_frame()) is not None:
                self._handle(read_packet(frame))
        except BadPacket:
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        for future in (self.connack, self.suback):
            if not future.done():
                future.set_exception(error or ConnectionResetError("the server closed the connection"))
                future.exception()
        if not self.lost.done():
            self.lost.set_result(None)

    def write(self, packet: Incoming) -> None:
        if not self.transport.is_closing():
            self.transport.write(packet.write())

    def _handle(self, packet: Incoming) -> None:
        if isinstance(packet, mqtt5.PubAckPacket):
            self.client.acknowledged(packet)
        elif isinstance(packet, mqtt5.PublishPacket):
            self.client.command_arrived(packet)
        elif isinstance(packet, mqtt5.ConnAckPacket) and not self.connack.done():
            self.connack.set_result(packet)
        elif isinstance(packet, mqtt5.SubAckPacket) and not self.suback.done():
            self.suback.set_result(packet)
        elif isinstance(packet, mqtt5.DisconnectPacket):
            self.goodbye = packet.reason_code
            self.transport.close()


class DeviceClient:
    """A device on the line. Use from one event loop.

    `connect` raises when the first attempt fails and otherwise keeps the connection up until `close`. `publish` works
    offline too, into a bounded buffer.
    """

    def __init__(
        self,
        *,
        on_command: OnCommand | None = None,
        keep_alive_s: int = 60,
        max_unacknowledged: int = 1_000,
        retry: Retry | None = None,
        jitter: random.Random | None = None,
        ssl: tls.SSLContext | None = None,
    ) -> None:
        """`on_command` is called with each payload, before its PUBACK. `jitter` makes attempts repeatable in tests."""
        self.loop = asyncio.get_running_loop()
        self.uid = ""
        self.connects = 0
        self.last_goodbye: DisconnectReasonCode | None = None
        self._on_command = on_command
        self._keep_alive_s = keep_alive_s
        self._retry = retry or Retry()
        self._jitter = jitter or random.Random()
        self._ssl = ssl
        self._buffer = Buffer(max_unacknowledged)
        self._link: _Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_open = asyncio.Event()
        self._address = ("", 0)
        self._secret = b""

    @property
    def is_connected(self) -> bool:
        return self._is_open.is_set()

    @property
    def unacknowledged(self) -> int:
        return len(self._buffer)

    @property
    def oldest_unacknowledged_at(self) -> float | None:
        """The event loop's instant at which the oldest unacknowledged message was published."""
        return self._buffer.oldest_at

    async def connect(self, host: str, port: int, uid: str, secret: str, *, wait: bool = True) -> None:
        """Raises ConnectionRefused or OSError if the first attempt fails; with `wait=False` it is retried instead."""
        self.uid, self._secret, self._address = uid, secret.encode(), (host, port)
        link = await self._open_link() if wait else None
        self._task = self.loop.create_task(self._keep_connected(link))

    async def wait_connected(self) -> None:
        await self._is_open.wait()

    def publish(self, kind: Kind, payload: bytes) -> asyncio.Future[Acknowledged]:
        """Queue a QoS 1 message to `sc/{uid}/{kind}`; the future ends with its PUBACK, however often it is repeated.

        Raises BufferFull when too many wait: the device must slow down or thin out.
        """
        message = self._buffer.add(f"sc/{self.uid}/{kind}", payload, self.loop)
        self._send_waiting()
        return message.acknowledged

    async def close(self) -> None:
        """Leave properly. What is unacknowledged stays so: its futures are cancelled."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._link is not None:
            self._link.write(mqtt5.DisconnectPacket())
            self._link.transport.close()
            await self._link.lost
        self._is_open.clear()
        self._buffer.cancel()

    def drop(self) -> None:
        """Cut the line without a word, as a power cut would; it is connected again by itself."""
        if self._link is not None:
            self._link.transport.abort()

    # the link calls these

    def acknowledged(self, packet: mqtt5.PubAckPacket) -> None:
        self._buffer.acknowledge(packet.packet_id, packet.reason_code, packet.reason_str or "")
        self._send_waiting()

    def command_arrived(self, packet: mqtt5.PublishPacket) -> None:
        if self._on_command is not None:
            self._on_command(packet.payload)
        if packet.packet_id and self._link is not None:
            self._link.write(mqtt5.PubAckPacket(packet.packet_id, reason_code=PubAckReasonCode.SUCCESS))

    # inside

    async def _keep_connected(self, link: _Link | None) -> None:
        failures = 0
        while True:
            if link is not None:
                opened_at = self.loop.time()
                await self._watch(link)
                failures = 0 if self.loop.time() - opened_at > STEADY_AFTER_S else failures + 1
                self._is_open.clear()
                self.last_goodbye = link.goodbye
            await asyncio.sleep(self._retry.delay(failures, self._jitter.random()))
            try:
                link = await self._open_link()
            except (OSError, TimeoutError):
                link = None
                failures += 1

    async def _open_link(self) -> _Link:
        host, port = self._address
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, link = await self.loop.create_connection(lambda: _Link(self), host, port, ssl=self._ssl)
            try:
                await self._introduce(link)
            except BaseException:
                link.transport.abort()
                raise
        self._link = link
        self.connects += 1
        self._is_open.set()
        self._buffer.line_is_new()
        self._send_waiting()
        return link

    async def _introduce(self, link: _Link) -> None:
        link.write(
            mqtt5.ConnectPacket(
                self.uid, username=self.uid, password=self._secret, clean_start=True, keep_alive=self._keep_alive_s
            )
        )
        connack = await link.connack
        if connack.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise ConnectionRefused(connack.reason_code)
        self._buffer.receive_max = connack.receive_max
        link.keep_alive_s = connack.server_keep_alive or self._keep_alive_s or NO_KEEP_ALIVE_S
        if self._on_command is not None:
            self._link = link
            link.write(
                mqtt5.SubscribePacket(1, [mqtt5.TopicFilter(command_topic(self.uid), max_qos=QoS.AT_LEAST_ONCE)])
            )
            await link.suback

    async def _watch(self, link: _Link) -> None:
        """Ping when a keep-alive period passes; hang up when nothing was heard for one and a half."""
        period = float(link.keep_alive_s)
        while not link.lost.done():
            await asyncio.wait((link.lost,), timeout=period)
            if self.loop.time() - link.last_heard > 1.5 * period:
                link.transport.abort()
            else:
                link.write(mqtt5.PingReqPacket())

    def _send_waiting(self) -> None:
        if self._link is not None and self._is_open.is_set():
            for packet in self._buffer.next_packets():
                self._link.write(packet)
