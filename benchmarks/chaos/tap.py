# SPDX-License-Identifier: Apache-2.0
"""Between a bridge and its broker: bytes pass as they are, and it is written down what the broker delivered and what
the bridge acknowledged to it. In a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

import mqtt5
import uvloop

from smartcity.transports.mqtt.codec import read_packet
from smartcity.transports.mqtt.framing import FrameReader

MOST_BYTES: Final = 2**16
LARGEST: Final = 2**20
PUBLISH, PUBACK = 3, 4
Message = tuple[str, bytes]
OnFrame = Callable[[bytes], None]


@dataclass(slots=True)
class Heard:
    """Messages by topic and payload. `again` counts those the broker said it delivers once more."""

    delivered: set[Message] = field(default_factory=set)
    acknowledged: set[Message] = field(default_factory=set)
    again: int = 0


class Tap:
    """Listens on `port`; leads each connection to the broker on another."""

    def __init__(self, port: int, broker: int) -> None:
        self.port, self.broker, self.heard = port, broker, Heard()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tap", daemon=True)
        self._lines: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Tap:
        self._thread.start()
        opened: Future[asyncio.Server] = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._line, "127.0.0.1", self.port), self._loop
        )
        self._server = opened.result()
        return self

    def __exit__(self, *raised: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _close(self) -> None:
        self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        ends = [writer]
        try:
            from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self.broker)
            ends.append(to_broker)
            notes = _Notes(self.heard)
            ways = [_pass(reader, to_broker, notes.said), _pass(from_broker, writer, notes.told)]
            await asyncio.wait([asyncio.create_task(way) for way in ways], return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass  # the broker is away: so is the line
        finally:
            self._lines.discard(task)
            for end in ends:
                end.close()


class _Notes:
    """Of one connection; packet ids have no meaning beyond it."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._under_way: dict[int, Message] = {}

    def told(self, frame: bytes) -> None:
        """By the broker."""
        if frame[0] >> 4 == PUBLISH:
            packet = read_packet(frame)
            assert isinstance(packet, mqtt5.PublishPacket)
            if packet.packet_id:
                self._under_way[packet.packet_id] = message = (packet.topic, bytes(packet.payload))
                self._heard.delivered.add(message)
                self._heard.again += packet.duplicate

    def said(self, frame: bytes) -> None:
        """By the bridge."""
        if frame[0] >> 4 == PUBACK:
            packet = read_packet(frame)
            assert isinstance(packet, mqtt5.PubAckPacket)
            self._heard.acknowledged.add(self._under_way.pop(packet.packet_id))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: OnFrame) -> None:
    """Until either end hangs up. What the other end does not read is not read here either."""
    frames = FrameReader(LARGEST)
    with contextlib.suppress(OSError):
        while data := await reader.read(MOST_BYTES):
            frames.feed(data)
            while (frame := frames.next_frame()) is not None:
                note(frame)
            writer.write(data)
            await writer.drain()
