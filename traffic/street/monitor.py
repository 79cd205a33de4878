# SPDX-License-Identifier: Apache-2.0
"""The conflict monitor (EN 12675 style): looks at what is shown and at the matrix, knows nothing of who chose it.

It counts its looks, one a second, and no clock, so that a clock that jumps can neither blind nor trip it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from traffic.street.groups import Matrix, Pair

LONG_AGO = -1_000_000


@dataclass(slots=True)
class Monitor:
    """Judges one signal. `vehicles` groups show yellow, those after them are on foot and do not."""

    vehicles: int
    conflicts: frozenset[Pair]
    permitted: frozenset[Pair]
    intergreen_s: Mapping[Pair, float]
    min_green_s: float
    yellow_s: float
    _look: int = 0
    _shown: str = ""
    _began: list[int] = field(default_factory=list)
    _ended: list[int] = field(default_factory=list)
    _green: list[str] = field(default_factory=list)  # the last green of each, which its yellow goes on with
    _against: list[list[int]] = field(default_factory=list)

    def look(self, shown: str) -> str:
        """One second's letters (G, g, y, r of every group). Empty, or what is broken: then the signal must flash."""
        self._look += 1
        shown = shown.replace("s", "r")  # who may go after a stop gives way to all
        before = self._shown
        if shown == before:
            return ""
        self._shown = shown
        if len(shown) != len(before):
            return self._first(shown)
        changed = [i for i, letter in enumerate(shown) if letter != before[i]]
        for group in changed:
            if broken := self._left(group, before[group], shown[group]):
                return broken
        for group in changed:
            if shown[group] in "Gg":
                self._green[group] = shown[group]
        for group in changed:
            if broken := self._met(group, before[group], shown):
                return broken
        return ""

    def forget(self) -> None:
        """The signal is off or flashes: what it shows afterwards is judged anew."""
        self._shown = ""

    def _first(self, shown: str) -> str:
        self._began = [LONG_AGO] * len(shown)
        self._ended = [LONG_AGO] * len(shown)
        self._green = list(shown)
        self._against = [[j for i, j in self.conflicts if i == group] for group in range(len(shown))]
        for group in range(len(shown)):
            if broken := self._met(group, "G", shown):
                return broken
        return ""

    def _left(self, group: int, before: str, after: str) -> str:
        """The end of a green or a yellow."""
        if before in "Gg" and after not in "Gg":
            green_s = self._look - self._began[group]
            self._ended[group] = self._look
            if green_s < self.min_green_s:
                return f"group {group} was green for {green_s} s"
            if after != "y" and group < self.vehicles:
                return f"group {group} went from green to {after} without yellow"
        elif before == "y":
            if after != "r":
                return f"group {group} went from yellow to {after}"
            if self._look - self._ended[group] < self.yellow_s:
                return f"group {group} was yellow for {self._look - self._ended[group]} s"
        elif before == "r" and after not in "Gg":
            return f"group {group} went from red to {after}"
        return ""

    def _met(self, group: int, before: str, shown: str) -> str:
        """The groups that must not be there while this one shows what it shows."""
        mine = shown[group]
        if mine == "r":
            return ""
        begins = mine in "Gg" and before not in "Gg"
        if begins:
            self._began[group] = self._look
        for other in self._against[group]:
            theirs = shown[other]
            is_permitted = (group, other) in self.permitted and not (mine == "G" and self._green[other] == "G")
            if theirs != "r" and not is_permitted:
                return f"groups {group} and {other} conflict: {mine} and {theirs} together"
            if begins and theirs not in "Gg" and self._look - self._ended[other] < self.intergreen_s[other, group]:
                return f"group {group} began {self._look - self._ended[other]} s after group {other} ended"
        return ""


def of(matrix: Matrix, *, min_green_s: float, yellow_s: float) -> Monitor:
    """A monitor that holds its own copy of the matrix."""
    return Monitor(
        matrix.vehicles,
        frozenset(matrix.conflicts),
        frozenset(matrix.permitted),
        dict(matrix.intergreen_s),
        min_green_s,
        yellow_s,
    )
