# SPDX-License-Identifier: Apache-2.0
"""The part that joins a process to the others of its city: the bus, and word of how this process is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from django.conf import settings

from smartcity import vitals
from smartcity.bus import words
from smartcity.bus.postgres import PostgresBus
from smartcity.control import leases
from smartcity.hearts import Hearts
from smartcity.processes import peers
from smartcity.processes.part import Part, Work
from smartcity.processes.peers import Peers
from smartcity.processes.topics import BEAT_S, PROCESSES
from smartcity.telemetry.line import line


def _nothing() -> Mapping[str, Any]:
    return {}


class Wire(Part):
    """`describe` gives what peers.Told has beside the name, as far as this kind of process knows it; `on_beat` is done
    at every beat."""

    def __init__(self, kind: str, describe: Callable[[], Mapping[str, Any]] = _nothing) -> None:
        self.bus = PostgresBus(f"{kind}:{leases.myself()}", line("default"), words.key_of(settings.SECRET_KEY))
        self.peers = Peers()
        self.on_beat: list[Callable[[], None]] = []
        self._kind, self._describe = kind, describe
        self.bus.listen(PROCESSES, self.peers.take)

    def work(self, hearts: Hearts) -> list[Work]:
        return [hearts.run("bus", self.bus.run), hearts.every(BEAT_S, "beat", self._beat)]

    def vitals(self) -> Mapping[str, Callable[[], Any]]:
        return {
            "bus": lambda: asdict(self.bus.counters) | {"stands": not self.bus.problem, "problem": self.bus.problem},
            "processes": self.peers.shown,
        }

    def why_not_ready(self) -> str:
        return f"no line to the other processes: {self.bus.problem}" if self.bus.problem else ""

    async def _beat(self) -> None:
        lag = vitals.gather_one("event_loop").get("worst_lag_ms", 0.0)
        told = peers.myself(self._kind, memory_mb=vitals.memory_mb(), event_loop_ms=lag, **self._describe())
        self.bus.say(PROCESSES, [asdict(told)])
        for beat in self.on_beat:
            beat()
