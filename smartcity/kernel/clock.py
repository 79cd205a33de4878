# SPDX-License-Identifier: Apache-2.0
"""Where "now" comes from. City time may run faster than the wall; it never runs backwards."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Anchor:
    """City time is `city_ms + (wall - wall_ms) * speed`; `ceiling` is the speed asked for, `speed` the one reached."""

    city_ms: int
    wall_ms: int
    speed: float
    ceiling: float
    simulated: bool

    def at(self, wall_ms: int) -> int:
        return self.city_ms + int(max(0, wall_ms - self.wall_ms) * self.speed)


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class CityClock:
    """The process's view of city time. LIVE until told otherwise; followers `adopt` what the city publishes."""

    def __init__(self) -> None:
        self.anchor = Anchor(0, 0, 1.0, 1.0, simulated=False)

    def now_ms(self) -> int:
        return self.anchor.at(wall_ms()) if self.anchor.simulated else wall_ms()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_ms() / 1000, UTC)

    @property
    def is_simulation(self) -> bool:
        return self.anchor.simulated

    @property
    def mode(self) -> str:
        return "SIMULATION" if self.anchor.simulated else "LIVE"

    @property
    def speed(self) -> float:
        return self.anchor.speed

    def adopt(self, anchor: Anchor) -> None:
        self.anchor = anchor

    def run_at(self, speed: float) -> Anchor:
        """Go on from now at another speed (0 holds still); the ceiling stays."""
        wall = wall_ms()
        old = self.anchor
        self.anchor = Anchor(old.at(wall), wall, min(speed, old.ceiling), old.ceiling, simulated=True)
        return self.anchor

    def set_ceiling(self, ceiling: float) -> Anchor:
        """Ask for another speed from now on."""
        wall = wall_ms()
        self.anchor = Anchor(self.anchor.at(wall), wall, ceiling, ceiling, simulated=True)
        return self.anchor

    def start_simulation(self, city_ms: int, ceiling: float) -> Anchor:
        self.anchor = Anchor(city_ms, wall_ms(), ceiling, ceiling, simulated=True)
        return self.anchor


def save(anchor: Anchor, path: Path) -> None:
    """Write the anchor so that city time resumes where it stopped; replaced in one step."""
    wall = wall_ms()
    record = asdict(Anchor(anchor.at(wall), wall, anchor.speed, anchor.ceiling, anchor.simulated))
    part = path.with_suffix(".part")
    part.write_text(json.dumps(record))
    os.replace(part, path)


def load(path: Path) -> Anchor | None:
    """The stored anchor, or None where there is none or it cannot be read."""
    try:
        return Anchor(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


clock = CityClock()
