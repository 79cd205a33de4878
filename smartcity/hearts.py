# SPDX-License-Identifier: Apache-2.0
"""Everything that beats in the city process: each task is named, restarted when it fails, and says how it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)
LONGEST_PAUSE_S = 30.0
Work = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Heart:
    """One task: how often it failed, why the last time, and when it last finished a beat (loop time, s)."""

    name: str
    failures: int = 0
    error: str = ""
    beat_at: float = 0.0
    took_s: float = 0.0


class Hearts:
    """The tasks of one city process. A failing task never takes another with it; its error stays visible."""

    def __init__(self) -> None:
        self.all: dict[str, Heart] = {}

    async def run(self, name: str, work: Work) -> None:
        """Keep `work` running for ever; when it fails, say so and start it again after 1, 2, 4 … 30 s."""
        heart = self.all.setdefault(name, Heart(name))
        pause = 1.0
        while True:
            if await self._attempt(heart, work):
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def every(self, seconds: float, name: str, work: Work) -> None:
        """Do `work` every so many wall seconds, measured from start to start; never twice at a time."""
        heart = self.all.setdefault(name, Heart(name))
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            if await self._attempt(heart, work):
                heart.error = ""
            heart.beat_at, heart.took_s = loop.time(), loop.time() - began
            await asyncio.sleep(max(0.0, seconds - heart.took_s))

    async def _attempt(self, heart: Heart, work: Work) -> bool:
        try:
            await work()
        except Exception as error:
            heart.failures += 1
            heart.error = f"{type(error).__name__}: {error}"
            log.exception("%s failed (%d times so far)", heart.name, heart.failures)
            return False
        return True


class Lag:
    """How late the event loop is: the worst delay of a 50 ms sleep within the last ten seconds, in ms."""

    def __init__(self) -> None:
        self.worst_ms = 0.0
        self._recent: list[float] = []

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.05
            await asyncio.sleep(0.05)
            self._recent.append(1000 * (loop.time() - due))
            self._recent = self._recent[-200:]
            self.worst_ms = max(self._recent)
