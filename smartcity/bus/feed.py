# SPDX-License-Identifier: Apache-2.0
"""Live values from ingesters to web processes over Redis: many, soon stale, and missed by nobody but a screen.

Nothing waits for Redis. While it does not answer, what would have been sent is dropped, and whoever shows values reads
them from the store once it answers again.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import redis.asyncio as redis
from redis.exceptions import RedisError

from smartcity.telemetry.arrays import Floats, Ints

log = logging.getLogger(__name__)

CHANNEL: Final = "smartcity:values"
EVERY_S: Final = 0.2
MOST_WAITING: Final = 100_000  # readings; beyond that the oldest are not shown
ANSWERS_WITHIN_S: Final = 2.0
PING_S: Final = 1.0
PAUSE_S: Final = 1.0
_HEAD: Final = struct.Struct("<I")

Columns = tuple[Ints, Ints, Floats, Ints]
"""series, at (ms), value, quality: of equal length."""


def pack(columns: Columns) -> bytes:
    series, at, value, quality = columns
    parts = (series.astype("<i8"), at.astype("<i8"), value.astype("<f8"), quality.astype("<i2"))
    return _HEAD.pack(len(series)) + b"".join(part.tobytes() for part in parts)


def unpack(told: bytes) -> Columns:
    """Raises ValueError where it is none of ours."""
    if len(told) < _HEAD.size or len(told) != _HEAD.size + 26 * _HEAD.unpack_from(told)[0]:
        raise ValueError(f"not values of ours: {len(told)} bytes")
    (n,) = _HEAD.unpack_from(told)
    start = _HEAD.size
    series = np.frombuffer(told, "<i8", n, start)
    at = np.frombuffer(told, "<i8", n, start + 8 * n)
    value = np.frombuffer(told, "<f8", n, start + 16 * n)
    quality = np.frombuffer(told, "<i2", n, start + 24 * n).astype(np.int64)
    return series, at, value, quality


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=ANSWERS_WITHIN_S, socket_connect_timeout=ANSWERS_WITHIN_S, health_check_interval=0
    )


class Sender:
    """`put` what was committed; it goes out a few times a second."""

    def __init__(self, url: str) -> None:
        self.sent = self.dropped = 0
        self.problem = ""
        self._url = url
        self._waiting: list[Columns] = []
        self._length = 0

    def put(self, columns: Columns) -> None:
        self._waiting.append(columns)
        self._length += len(columns[0])
        while self._length > MOST_WAITING:
            gone = len(self._waiting.pop(0)[0])
            self._length -= gone
            self.dropped += gone

    async def run(self) -> None:
        async with _client(self._url) as client:
            while True:
                await asyncio.sleep(EVERY_S)
                if self._waiting:
                    await self._send(client)

    async def _send(self, client: redis.Redis) -> None:
        waiting, self._waiting, self._length = self._waiting, [], 0
        readings = sum(len(columns[0]) for columns in waiting)
        try:
            await client.publish(CHANNEL, pack(_together(waiting)))
            self.sent += readings
            self.problem = ""
        except (RedisError, OSError, TimeoutError) as error:
            self.dropped += readings
            if not self.problem:
                log.warning("live values are not passed on, Redis does not answer: %s", error)
            self.problem = str(error) or type(error).__name__
            await asyncio.sleep(PAUSE_S)


def _together(parts: Sequence[Columns]) -> Columns:
    series, at, value, quality = (np.concatenate(column) for column in zip(*parts, strict=True))
    return series, at, value, quality


class Receiver:
    """`on_values` for each message; `on_joined` whenever the line stands (again): what was sent meanwhile was missed.
    `problem` is empty while it stands."""

    def __init__(self, url: str, on_values: Callable[[Columns], None], on_joined: Callable[[], None]) -> None:
        self.problem = "not connected yet"
        self.received = 0
        self._url, self._on_values, self._on_joined = url, on_values, on_joined

    async def run(self) -> None:
        while True:
            try:
                async with _client(self._url) as client, client.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    await self._hear(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                if not self.problem:
                    log.warning("no live values, Redis does not answer: %s", error)
                self.problem = str(error) or type(error).__name__
            await asyncio.sleep(PAUSE_S)

    async def _hear(self, pubsub: redis.client.PubSub) -> None:
        """A quiet line is asked whether it still stands."""
        loop = asyncio.get_running_loop()
        heard_at = asked_at = loop.time()
        while True:
            message = await pubsub.get_message(timeout=PING_S)
            now = loop.time()
            if message is not None:
                heard_at = now
                self._take(message)
            elif now - heard_at > PING_S + ANSWERS_WITHIN_S:
                raise TimeoutError("Redis is silent")
            if now - max(heard_at, asked_at) >= PING_S:
                asked_at = now
                await pubsub.ping()

    def _take(self, message: dict[str, object]) -> None:
        if message["type"] == "subscribe":
            self.problem = ""
            self._on_joined()
        elif message["type"] == "message" and isinstance(told := message["data"], bytes):
            try:
                columns = unpack(told)
            except ValueError as problem:
                log.warning("%s", problem)
                return
            self.received += len(columns[0])
            self._on_values(columns)
