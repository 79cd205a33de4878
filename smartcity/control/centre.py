# SPDX-License-Identifier: Apache-2.0
"""The control centre of one process: leads if nobody else does, decides, sends, verifies, keeps the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from smartcity.control.acks import Answer
from smartcity.control.dispatch import Dispatcher, Patience
from smartcity.control.leader import Leader
from smartcity.control.ledger import Bookkeeper
from smartcity.control.line import Line
from smartcity.control.loops import LoopRunner, LoopState
from smartcity.control.pool import Pool
from smartcity.kernel.clock import CityClock, clock
from smartcity.kernel.control import Loop


class Control:
    """Built and used on the event loop."""

    def __init__(
        self,
        line: Line,
        *,
        loops: Mapping[str, Loop] | None = None,
        city: CityClock = clock,
        patience: Patience | None = None,
        ttl_s: float = 10.0,
    ) -> None:
        self._pool = Pool(threads=6)
        self.leader = Leader(self._pool, ttl_s=ttl_s)
        self.dispatcher = Dispatcher(line, self.leader, self._pool, patience=patience, city=city)
        self.runner = LoopRunner(line, self.leader, self._pool, loops=loops, city=city)
        self.ledger = Bookkeeper(self.leader, self._pool, city=city)

    def on_ack(self, answers: Iterable[Answer]) -> None:
        """What devices answered; to whom it belongs shows in its id."""
        fast = [answer for answer in answers if answer.id.startswith("f") and answer.id[1:].isdigit()]
        others = [answer for answer in answers if answer not in fast]
        if fast:
            self.runner.on_ack(fast)
        if others:
            self.dispatcher.on_ack(others)

    def on_ready(self, device: str) -> None:
        self.dispatcher.on_ready(device)
        self.runner.on_ready(device)

    @property
    def loops(self) -> Mapping[str, LoopState]:
        return self.runner.states

    def oldest_undecided_s(self) -> float:
        """Wall seconds by which the latest loop is later than its own interval; the clock governor slows on it."""
        return self.runner.oldest_undecided_s()

    def fast_stretch(self) -> float:
        """How many of its own intervals a fast loop needs from one decision to the next."""
        return self.runner.fast_stretch()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in (self.leader, self.dispatcher, self.runner, self.ledger):
                    tasks.create_task(part.run(), name=f"control {type(part).__name__.lower()}")
        finally:
            await self._pool.close()
