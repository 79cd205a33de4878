# SPDX-License-Identifier: Apache-2.0
"""The bounded inbox in front of the pipeline: full at so many messages or bytes, open again at half."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from smartcity.transports.messages import RawMessage


class BoundedInbox:
    """Memory is bounded by count and by bytes, because a message may be 64 kB. Used from one event loop only.

    `offered` counts what was taken in since the start.
    """

    def __init__(self, *, max_messages: int = 20_000, max_bytes: int = 64 * 2**20) -> None:
        self.max_messages = max_messages
        self.max_bytes = max_bytes
        self.held_bytes = 0
        self.times_full = 0
        self.offered = 0
        self._messages: deque[RawMessage] = deque()
        self._arrivals: deque[float] = deque()
        self._waiting: list[Callable[[], None]] = []
        self._is_full = False
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def is_full(self) -> bool:
        return self._is_full

    @property
    def oldest_s(self) -> float:
        """How long the oldest message has waited."""
        return time.monotonic() - self._arrivals[0] if self._arrivals else 0.0

    def offer(self, message: RawMessage) -> bool:
        if self._is_full:
            return False
        self.offered += 1
        self._messages.append(message)
        self._arrivals.append(time.monotonic())
        self.held_bytes += len(message.payload)
        self._arrived.set()
        if len(self._messages) >= self.max_messages or self.held_bytes >= self.max_bytes:
            self._is_full = True
            self.times_full += 1
        return True

    def when_there_is_room(self, call: Callable[[], None]) -> None:
        if self._is_full:
            self._waiting.append(call)
        else:
            asyncio.get_running_loop().call_soon(call)

    async def take(self, *, at_most: int = 1_000, within_s: float = 0.02) -> list[RawMessage]:
        """Wait for the first message, then up to `within_s` for more, and return at most `at_most`, oldest first."""
        await self._arrived.wait()
        if len(self._messages) < at_most and not self._is_full:
            await asyncio.sleep(within_s)
        return self.take_now(at_most)

    def take_now(self, at_most: int) -> list[RawMessage]:
        """What is there, at most `at_most`, oldest first; may be empty."""
        batch = [self._messages.popleft() for _ in range(min(at_most, len(self._messages)))]
        for _ in batch:
            self._arrivals.popleft()
        self.held_bytes -= sum(len(message.payload) for message in batch)
        if not self._messages:
            self._arrived.clear()
        self._open_at_half()
        return batch

    def _open_at_half(self) -> None:
        if self._is_full and len(self._messages) <= self.max_messages // 2 and self.held_bytes <= self.max_bytes // 2:
            self._is_full = False
            waiting, self._waiting = self._waiting, []
            loop = asyncio.get_running_loop()
            for call in waiting:
                loop.call_soon(call)
