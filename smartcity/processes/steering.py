# SPDX-License-Identifier: Apache-2.0
"""What decides: the loops and their commands, the alarms and those they are told to. One process of a city leads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from channels.db import database_sync_to_async

from smartcity.alarms.evaluate import Evaluator, no_clock_off
from smartcity.alarms.notify import Notifier
from smartcity.control import braking, retention
from smartcity.control.acks import Answer
from smartcity.control.centre import Control
from smartcity.control.leases import LostLeadership
from smartcity.control.line import Line
from smartcity.control.unproven import Unproven
from smartcity.hearts import Hearts
from smartcity.kernel.alarms import ClocksOff
from smartcity.kernel.clock import clock
from smartcity.processes.part import Part, Work

ALARMS_S: Final = 1.0
EVENTS_S: Final = 600.0
Items = list[dict[str, Any]]


def _nobody(items: Items) -> None:
    pass


class Steering(Part):
    """`on_alarms` hears of changed alarms, `clocks` says which devices' clocks are off. A process that does not lead
    decides, judges and sends nothing."""

    def __init__(
        self, line: Line, on_alarms: Callable[[Items], None] = _nobody, *, clocks: ClocksOff = no_clock_off
    ) -> None:
        self.control = Control(line)
        self.notifier = Notifier(may=lambda: self.leads)
        self._on_alarms, self._clocks = on_alarms, clocks
        self._epoch = 0
        self.alarms = self._evaluator()

    @property
    def leads(self) -> bool:
        return self.control.leader.epoch is not None

    def on_ack(self, answers: Iterable[Answer]) -> None:
        if self.leads:
            self.control.on_ack(answers)

    def work(self, hearts: Hearts) -> list[Work]:
        return [
            hearts.run("control", self.control.run),
            hearts.run("notices", self.notifier.run),
            hearts.every(ALARMS_S, "alarms", self._evaluate),
            hearts.every(EVENTS_S, "event log", self._forget_events),
        ]

    async def close(self) -> None:
        await self.alarms.close()
        await self.notifier.close()

    def vitals(self) -> Mapping[str, Callable[[], Any]]:
        return {
            "loops": lambda: self.control.loops,
            "notices": lambda: self.notifier.counters,
            "leading": lambda: {"epoch": self.control.leader.epoch or 0},
        }

    def _evaluator(self) -> Evaluator:
        leader = self.control.leader
        return Evaluator(
            self._on_alarms,
            unproven=Unproven().look,
            stopped=braking.stopped,
            clocks=self._clocks,
            insist=lambda: leader.insist(),
        )

    async def _evaluate(self) -> None:
        """What another process has judged meanwhile is not known here: after that, begin anew."""
        epoch = self.control.leader.epoch
        if epoch is None:
            return
        if epoch > self._epoch + 1 and self._epoch:
            await self.alarms.close()
            self.alarms = self._evaluator()
        self._epoch = epoch
        try:
            await self.alarms.tick(clock.now_ms())
        except LostLeadership:
            self.control.leader.lost()

    async def _forget_events(self) -> None:
        if self.leads:
            await database_sync_to_async(retention.forget_events, thread_sensitive=False)(clock.now_ms())
