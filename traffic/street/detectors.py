# SPDX-License-Identifier: Apache-2.0
"""The loops at the stop lines as the cabinet sees them: what they say each second, and whether they can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from traffic.metrics import DETECTOR_FAULTS

FINE, SILENT, STUCK_ON, STUCK_OFF, CHATTER, IMPLAUSIBLE = range(len(DETECTOR_FAULTS))
SILENT_S = 10
STUCK_ON_S = 300  # occupied so long, through greens of its own, and nobody left
GREENS_UNUSED = 3
STUCK_OFF_EXPECTED = 15.0  # vehicles that should have come by its share so far: nobody by chance is 3 in 10 million
LEARNED_FROM = 20
MOST_A_MINUTE = 45  # 2,700 veh/h over one lane
AT_RED_MOST = 10  # vehicles in a minute that left while the lane had long been at red
RED_FOR_SURE_S = 5
HEARD_AGAIN_S = 30
WELL_AGAIN_S = 150  # more than two of the minutes that are counted


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane at the stop line: the device that watches it, and the stages that serve it in full."""

    detector: str
    stages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """One second of one lane: somebody at the line, vehicles that left."""

    occupied: bool
    passed: int = 0


@dataclass(slots=True)
class _Loop:
    heard: int
    occupied_since: int = -1
    unused: int = 0
    was_green: bool = False
    red_since: int = 0
    passed: int = 0
    others_at_last: int = 0
    minute: int = 0
    in_minute: int = 0
    at_red: int = 0
    fault: int = FINE
    well_since: int = 0
    last_seen: int = -100  # somebody at the line or leaving


@dataclass(slots=True)
class Detectors:
    """All lanes of one cabinet. Seconds are the cabinet's own count, not a clock."""

    lanes: Mapping[str, Lane]
    is_connected: bool = False
    _loops: dict[str, _Loop] = field(default_factory=dict)
    _passed: int = 0

    def hear(self, second: int, seen: Mapping[str, Sight], served: int) -> None:
        """`seen` lacks the lanes that said nothing in this second; `served` is the green stage (0: none)."""
        if not self.is_connected:
            self.is_connected = True
            self._loops = {name: _Loop(second, red_since=second, well_since=second) for name in self.lanes}
        for name, loop in self._loops.items():
            sight, is_green = seen.get(name), served in self.lanes[name].stages
            if is_green != loop.was_green:
                loop.unused += loop.was_green and loop.occupied_since >= 0
                loop.was_green, loop.red_since = is_green, second
            if sight is not None:
                self._take(loop, second, sight)
            self._judge(loop, second)

    def _take(self, loop: _Loop, second: int, sight: Sight) -> None:
        loop.heard = second
        if second - loop.minute >= 60:
            loop.minute, loop.in_minute, loop.at_red = second, 0, 0
        if sight.passed or not sight.occupied:
            loop.occupied_since, loop.unused = -1, 0
        elif loop.occupied_since < 0:
            loop.occupied_since = second
        if sight.occupied or sight.passed:
            loop.last_seen = second
        if sight.passed:
            self._passed += sight.passed
            loop.passed += sight.passed
            loop.in_minute += sight.passed
            loop.others_at_last = self._passed
            if not loop.was_green and second - loop.red_since > RED_FOR_SURE_S:
                loop.at_red += sight.passed

    def _judge(self, loop: _Loop, second: int) -> None:
        fault = self._fault(loop, second)
        if fault:
            loop.fault, loop.well_since = fault, second
        elif loop.fault and second - loop.well_since >= (HEARD_AGAIN_S if loop.fault == SILENT else WELL_AGAIN_S):
            loop.fault = FINE

    def _fault(self, loop: _Loop, second: int) -> int:
        if second - loop.heard > SILENT_S:
            return SILENT
        if loop.in_minute > MOST_A_MINUTE:
            return CHATTER
        if loop.at_red > AT_RED_MOST:
            return IMPLAUSIBLE
        if loop.occupied_since >= 0 and second - loop.occupied_since > STUCK_ON_S and loop.unused >= GREENS_UNUSED:
            return STUCK_ON
        if loop.passed >= LEARNED_FROM and loop.occupied_since < 0:
            expected = loop.passed / max(1, loop.others_at_last) * (self._passed - loop.others_at_last)
            return STUCK_OFF if expected > STUCK_OFF_EXPECTED else FINE
        return FINE

    def faults(self) -> dict[str, int]:
        """Device → fault of its worst lane, of those that have one."""
        found: dict[str, int] = {}
        for name, loop in self._loops.items():
            if loop.fault:
                device = self.lanes[name].detector
                found[device] = min(found.get(device, loop.fault), loop.fault)
        return found

    @property
    def devices(self) -> int:
        return len({lane.detector for lane in self.lanes.values()})

    @property
    def is_any_silent(self) -> bool:
        return any(loop.fault == SILENT for loop in self._loops.values())

    def failed(self) -> list[str]:
        """Lanes whose loop cannot be believed."""
        return [name for name, loop in self._loops.items() if loop.fault]

    def recalls(self) -> set[int]:
        """Stages that are called for because a loop cannot be believed: one that serves each."""
        return {self.lanes[name].stages[0] for name in self.failed() if self.lanes[name].stages}

    def has_gap(self, second: int, stage: int, gap_s: int) -> bool:
        """Nobody has been seen for `gap_s` on the lanes that `stage` serves and that can be believed."""
        return not any(
            not loop.fault and stage in self.lanes[name].stages and second - loop.last_seen < gap_s
            for name, loop in self._loops.items()
        )
