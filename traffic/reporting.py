# SPDX-License-Identifier: Apache-2.0
"""What a signal controller reports of itself, by metric."""

from __future__ import annotations

from collections.abc import Mapping
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
    red_lamp_failed: bool
    ups: int


class Guarded(Protocol):
    """The part of a cabinet that says how it is controlled and what it does not believe."""

    refused: int

    @property
    def rung(self) -> int: ...

    @property
    def reason(self) -> int: ...

    @property
    def clock_error_s(self) -> float: ...

    def detector_faults(self) -> Mapping[str, int]: ...


def housing_values(cabinet: Housing) -> dict[str, float]:
    """Metric → code of door, mains, red lamp and battery."""
    return {
        "traffic.door": float(cabinet.door_open),
        "traffic.mains": float(cabinet.mains_failed),
        "traffic.red_lamp": float(cabinet.red_lamp_failed),
        "traffic.ups": float(cabinet.ups),
    }


def ladder_values(cabinet: Guarded) -> dict[str, float]:
    """Metric → where the cabinet stands on its ladder, why, and which of its senses have failed."""
    faults = cabinet.detector_faults()
    return {
        "traffic.rung": float(cabinet.rung),
        "traffic.fallback_reason": float(cabinet.reason),
        "traffic.detector_fault": float(min(faults.values(), default=0)),
        "traffic.detectors_failed": float(len(faults)),
        "traffic.clock_error_s": abs(cabinet.clock_error_s),
        "traffic.refused": float(cabinet.refused),
    }


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
