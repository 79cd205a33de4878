# SPDX-License-Identifier: Apache-2.0
"""What a signal controller reports of itself, by metric."""

from __future__ import annotations

from typing import Protocol


class Controller(Protocol):
    """The part of a cabinet that is reported."""

    running: int
    changing_to: int
    status: int

    @property
    def plan(self) -> int: ...

    @property
    def source(self) -> int: ...

    def green_s(self, now: int) -> int: ...

    def longest_red(self, now: int) -> tuple[int, int]: ...

    def coming(self, now: int) -> tuple[int, int]: ...


class Housing(Protocol):
    """The part of a cabinet that is reported whatever the signal shows."""

    door_open: bool
    mains_failed: bool


def housing_values(cabinet: Housing) -> dict[str, float]:
    """Metric → code of door and mains."""
    return {"traffic.door": float(cabinet.door_open), "traffic.mains": float(cabinet.mains_failed)}


def signal_values(cabinet: Controller, now: int) -> dict[str, float]:
    """Metric → value at city second `now`. The stage is 0 while changing and while no stage shows at all."""
    red, waiting = cabinet.longest_red(now)
    following, ends_in_s = cabinet.coming(now)
    return {
        "traffic.stage": 0.0 if cabinet.changing_to else float(cabinet.running),
        "traffic.green_s": float(cabinet.green_s(now)),
        "traffic.longest_red_s": float(red),
        "traffic.waiting_stage": float(waiting),
        "traffic.next_stage": float(following),
        "traffic.ends_in_s": float(ends_in_s),
        "traffic.plan": float(cabinet.plan),
        "traffic.control_source": float(cabinet.source),
        "traffic.status": float(cabinet.status),
    }
