# SPDX-License-Identifier: Apache-2.0
"""A gateway that posts for the devices behind it: batches over HTTP, repeated until the city has answered for good."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from typing import Any, Final

import httpx

from benchmarks.chaos.history import Heard, LogBook
from benchmarks.chaos.provision import TOKEN

EVERY_S: Final = 0.1
MOST: Final = 500
Waiting = tuple[str, bytes, int]


class Poster:
    """`answers` counts by status; 0 is no answer at all."""

    def __init__(self, port: int, book: LogBook) -> None:
        self.book = book
        self.answers: Counter[int] = Counter()
        self._waiting: deque[Waiting] = deque()
        self._on_the_way: list[Waiting] = []
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=30,
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )  # fmt: skip
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def unanswered(self) -> int:
        return len(self._waiting) + len(self._on_the_way)

    @property
    def oldest_s(self) -> float:
        lines = [line for _, _, line in (*self._on_the_way[:1], *list(self._waiting)[:1])]
        return time.monotonic() - self.book.sent[lines[0]] if lines else 0.0

    def post(self, device: str, said: bytes, line: int) -> None:
        self._waiting.append((device, said, line))

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._client.aclose()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            if self._waiting:
                self._on_the_way = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                again, pause_s = await self._post(self._on_the_way)
                self._waiting.extendleft(reversed(again))
                self._on_the_way = []
                await asyncio.sleep(pause_s)

    async def _post(self, batch: list[Waiting]) -> tuple[list[Waiting], float]:
        """What must be said again, and when."""
        messages = ",".join(f'{{"device":{json.dumps(device)},"payload":{said.decode()}}}' for device, said, _ in batch)
        try:
            answer = await self._client.post("/ingest", content=f'{{"messages":[{messages}]}}')
        except httpx.HTTPError:
            self.answers[0] += 1
            return batch, EVERY_S
        self.answers[answer.status_code] += 1
        told: dict[str, Any] = answer.json()
        if "accepted" not in told:
            return batch, float(answer.headers.get("retry-after", 1))
        refused = {entry["message"] for entry in told.get("refused", [])}
        for place, (_, _, line) in enumerate(batch):
            self.book.hear(line, Heard.REFUSED if place in refused else Heard.ACKNOWLEDGED, time.monotonic())
        return [], 0.0
