# SPDX-License-Identifier: Apache-2.0
"""The part that joins a process to the others of its city: the bus, and word of how this process is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from django.conf import settings
from django.db import connections

from smartcity import vitals
from smartcity.bus import words
from smartcity.bus.postgres import PostgresBus
from smartcity.control import leases
from smartcity.hearts import Hearts
from smartcity.processes import peers
from smartcity.processes.part import Work
from smartcity.processes.peers import Peers
from smartcity.processes.topics import BEAT_S, PROCESSES

LEFT_OUT: Final = frozenset({"cursor_factory", "context", "prepare_threshold", "client_encoding"})  # Django's own


def line() -> dict[str, Any]:
    """psycopg's parameters for the city's own database."""
    given = connections["default"].get_connection_params()
    return {key: value for key, value in given.items() if key not in LEFT_OUT and value is not None}


def _nothing() -> Mapping[str, Any]:
    return {}


class Wire:
    """`describe` gives what peers.Told has beside the name, as far as this kind of process knows it; `on_beat` is done
    at every beat."""

    def __init__(self, kind: str, describe: Callable[[], Mapping[str, Any]] = _nothing) -> None:
        self.bus = PostgresBus(f"{kind}:{leases.myself()}", line(), words.key_of(settings.SECRET_KEY))
        self.peers = Peers()
        self.on_beat: list[Callable[[], None]] = []
        self._kind, self._describe = kind, describe
        self.bus.listen(PROCESSES, self.peers.take)

    async def open(self) -> None:
        pass

    def work(self, hearts: Hearts) -> list[Work]:
        return [hearts.run("bus", self.bus.run), hearts.every(BEAT_S, "beat", self._beat)]

    async def close(self) -> None:
        pass

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
