# SPDX-License-Identifier: Apache-2.0
"""The fallback ladder: down at once for a reason, up again only after a while without one. Seconds are counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from traffic.metrics import REASONS, RUNGS

ADAPTIVE, ACTUATED, PLAN, FLASH = range(len(RUNGS))
NONE, DETECTOR, DETECTORS, HEARTBEAT, CLOCK, REFUSALS, CONFLICT = range(len(REASONS))
RECOVER_S = 120
GRACE_S = 3  # a heartbeat may be this late
REFUSALS_IN_A_ROW = 3
SKEW_S = 1.0
LATE_S = 10.0  # a message may have been on its way; not for longer than this
LATE_IN_A_ROW = 3


@dataclass(slots=True)
class Ladder:
    """Where a cabinet stands, and why. `note` each second, `settle` only where the stage may change (bumpless)."""

    recover_s: int = RECOVER_S
    rung: int = ADAPTIVE
    reason: int = NONE
    _trouble: tuple[int, int] = (ADAPTIVE, NONE)
    _since: int = 0

    def note(self, second: int, trouble: tuple[int, int]) -> None:
        """`trouble` is the rung that is due and the reason for it."""
        if trouble[0] >= self.rung or trouble[0] > self._trouble[0]:
            self._since = second
        self._trouble = trouble

    def settle(self, second: int) -> None:
        rung, reason = self._trouble
        if rung > self.rung or (rung < self.rung and second - self._since >= self.recover_s):
            self.rung, self.reason, self._since = rung, reason, second

    def left_s(self, second: int) -> int:
        """Seconds without trouble that are still missing."""
        return max(0, self.recover_s - (second - self._since)) if self.rung else 0

    def reset(self) -> None:
        self.rung, self.reason, self._trouble = ADAPTIVE, NONE, (ADAPTIVE, NONE)


@dataclass(slots=True)
class Skew:
    """Whether the clock of the centre and of the cabinet agree, by the seconds that requests were made at.

    A request from the future is never the line's fault; one from the past is only believed to be when three in a row
    are, or when it is older than any line is slow.
    """

    tolerance_s: float = SKEW_S
    late_s: float = LATE_S
    error_s: float = 0.0
    is_off: bool = False
    _late: list[float] = field(default_factory=list)

    def note(self, now: float, made_at: float) -> bool:
        """Whether the clocks agree as far as is known."""
        behind = now - made_at
        self._late = [*self._late, behind][-LATE_IN_A_ROW:] if behind > self.tolerance_s else []
        if behind < -self.tolerance_s or behind > self.late_s:
            self.is_off, self.error_s = True, behind
        elif len(self._late) == LATE_IN_A_ROW:
            self.is_off, self.error_s = True, min(self._late)
        elif not self._late:
            self.is_off, self.error_s = False, 0.0
        return not self.is_off
