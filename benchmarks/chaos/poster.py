# SPDX-License-Identifier: Apache-2.0
"""A gateway that posts for the devices behind it: batches over HTTP, repeated until the city has answered for good."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from typing import Final

from benchmarks.chaos.history import Heard, LogBook
from benchmarks.chaos.line import Line
from benchmarks.chaos.provision import TOKEN

EVERY_S: Final = 0.1
HEADERS: Final = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
Waiting = tuple[str, bytes, int]


class Poster:
    """`most` messages a request, on so many `lines` at once. `answers` counts by status; 0 is no answer at all."""

    def __init__(self, port: int, book: LogBook, *, most: int = 500, lines: int = 1) -> None:
        self.book, self.most = book, most
        self.answers: Counter[int] = Counter()
        self._waiting: deque[Waiting] = deque()
        self._on_the_way: set[Waiting] = set()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run(Line(port))) for _ in range(lines)]

    @property
    def unanswered(self) -> int:
        return len(self._waiting) + len(self._on_the_way)

    @property
    def oldest_s(self) -> float:
        """How long the message has waited that was said first."""
        lines = [line for _, _, line in (*self._on_the_way, *self._waiting)]
        return time.monotonic() - self.book.sent[min(lines)] if lines else 0.0

    def post(self, device: str, said: bytes, line: int) -> None:
        self._waiting.append((device, said, line))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, line: Line) -> None:
        while True:
            if not self._waiting:
                await asyncio.sleep(EVERY_S)
                continue
            batch = [self._waiting.popleft() for _ in range(min(self.most, len(self._waiting)))]
            self._on_the_way.update(batch)
            again, pause_s = await self._post(line, batch)
            self._waiting.extendleft(reversed(again))
            self._on_the_way.difference_update(batch)
            await asyncio.sleep(pause_s or EVERY_S * (self.most > 1))

    async def _post(self, line: Line, batch: list[Waiting]) -> tuple[list[Waiting], float]:
        """What must be said again, and when."""
        messages = ",".join(f'{{"device":{json.dumps(device)},"payload":{said.decode()}}}' for device, said, _ in batch)
        answer = await line.post(HEADERS, f'{{"messages":[{messages}]}}'.encode())
        self.answers[answer.status] += 1
        if not answer.status:
            return batch, EVERY_S
        told = answer.told
        if "accepted" not in told:
            return batch, float(answer.headers.get("retry-after", 1))
        refused = {entry["message"] for entry in told.get("refused", [])}
        for place, (_, _, place_in_log) in enumerate(batch):
            self.book.hear(place_in_log, Heard.REFUSED if place in refused else Heard.ACKNOWLEDGED, time.monotonic())
        return [], 0.0
