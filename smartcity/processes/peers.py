# SPDX-License-Identifier: Apache-2.0
"""How the processes of a city know of each other: each says every two seconds how it is, all hear it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

from smartcity.bus.words import Said
from smartcity.processes.topics import LOST_AFTER_S


@dataclass(frozen=True, slots=True)
class Told:
    """What a process says of itself. `epoch` is 0 unless it leads; `readings_s` and `lag_s` are an ingester's."""

    kind: str
    host: str
    pid: int
    why_not_ready: str = ""
    memory_mb: float = 0.0
    event_loop_ms: float = 0.0
    epoch: int = 0
    devices: int = 0
    readings_s: float = 0.0
    lag_s: float = 0.0


def myself(kind: str, **more: Any) -> Told:
    return Told(kind, socket.gethostname(), os.getpid(), **more)


class Peers:
    """Used on the event loop."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._told: dict[str, tuple[float, Told]] = {}

    def take(self, said: Said) -> None:
        for item in said.items:
            self._told[said.sender] = (self._clock(), Told(**item))

    def alive(self, kind: str = "") -> Mapping[str, Told]:
        """By name, those heard within the last seconds."""
        since = self._clock() - LOST_AFTER_S
        return {
            name: told for name, (at, told) in self._told.items() if at >= since and (not kind or told.kind == kind)
        }

    def shown(self) -> dict[str, dict[str, Any]]:
        """For people: everyone heard within a quarter of an hour, and how long ago."""
        now = self._clock()
        self._told = {name: pair for name, pair in self._told.items() if now - pair[0] < 900}
        return {
            name: asdict(told) | {"silent_s": round(now - at, 1)} for name, (at, told) in sorted(self._told.items())
        }
