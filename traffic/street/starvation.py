# SPDX-License-Identifier: Apache-2.0
"""Who waits at red, since when, and which stage must come next so that nobody waits longer than the maximum red."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from traffic.street.detectors import Lane, Sight
from traffic.street.groups import Matrix

OFFERED_S = 10  # a green this long that nobody used: the exit is blocked, or the detector hangs
Key = int | str


@dataclass(slots=True)
class Waits:
    """Clocks by lane where lanes are seen, by stage where only calls come. Seconds of the cabinet.

    A lane's clock begins with a vehicle at its line and begins anew with each that leaves; a green lamp does not touch
    it. A stage that serves a lane in part does not serve it.
    """

    since: dict[Key, int] = field(default_factory=dict)
    stages: dict[str, tuple[int, ...]] = field(default_factory=dict)
    offered: dict[Key, int] = field(default_factory=dict)

    def shift(self, by: int) -> None:
        self.since = {key: at + by for key, at in self.since.items()}
        self.offered = {key: at + by for key, at in self.offered.items()}

    def clear(self) -> None:
        self.since.clear()
        self.offered.clear()

    def note_calls(self, now: int, calls: Collection[int], served: int) -> None:
        """`calls` are stages somebody waits for, `served` the one that is green (0: none)."""
        for stage in calls:
            if stage != served and stage not in self.since:
                self.since[stage] = now
        for key in [k for k in self.since if isinstance(k, int) and (k not in calls or k == served)]:
            self._end(key)

    def note_served(self, stage: int) -> None:
        """A stage has become green: nobody waits for it by call any more; lanes wait until they move."""
        self._end(stage)

    def note_lanes(
        self, now: int, seen: Mapping[str, Sight], lanes: Mapping[str, Lane], served: int, green_s: int
    ) -> None:
        """What the loops at the stop lines saw in this second; lanes that were not heard of keep their clocks."""
        for name, sight in seen.items():
            lane = lanes.get(name)
            if lane is None:
                continue
            if not sight.occupied:
                self._end(name)
            elif sight.passed or name not in self.since:
                self._end(name)
                self.since[name], self.stages[name] = now, lane.stages
            elif served in lane.stages and green_s >= OFFERED_S:
                self.offered[name] = now

    def disbelieve(self, lanes: Collection[str]) -> None:
        """Lanes whose loop has failed: from now on they wait by their recall."""
        for name in lanes:
            self._end(name)

    def _end(self, key: Key) -> None:
        self.since.pop(key, None)
        self.offered.pop(key, None)

    def longest(self, now: int) -> tuple[int, int]:
        """Seconds and stage of who has waited longest; (0, 0) when nobody waits."""
        if not self.since:
            return 0, 0
        key = min(self.since, key=lambda k: (self.since[k], -self._stages(k)[0]))
        return now - self.since[key], self._stages(key)[0]

    def _stages(self, key: Key) -> tuple[int, ...]:
        return (key,) if isinstance(key, int) else self.stages[key]

    def calls(self, running: int) -> set[int]:
        """Stages somebody waits for whom the running one does not serve."""
        return {stages[0] for key in self.since if running not in (stages := self._stages(key))}

    def due(self, max_red_s: float) -> list[tuple[float, tuple[int, ...]]]:
        """Deadlines and the stages that meet them, soonest first."""
        begun = ((max(at, self.offered.get(key, at)), self._stages(key)) for key, at in self.since.items())
        return sorted((at + max_red_s, stages) for at, stages in begun)


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a wish pass while everybody who waits can still be served in time after it."""

    matrix: Matrix
    least_green_s: float
    max_red_s: float

    def choose(self, now: int, running: int, green_s: int, wanted: int, waits: Waits) -> int:
        """`wanted`, or the stage that must come instead: earliest deadline first. At a point where either may."""
        if not waits.since:
            return wanted
        due = waits.due(self.max_red_s)
        if due[0][0] - now > len(self.matrix.greens) * 60:
            return wanted
        if wanted == running:
            is_fine = self._holds(now + 1, running, due)
        else:
            begins = now + self.matrix.reach_s[running, wanted]
            is_fine = self._holds(begins + self.least_green_s, wanted, due)
        if is_fine:
            return wanted
        for _, stages in due:
            if running not in stages:
                return self._nearest(running, stages)
            if green_s < OFFERED_S:
                return running
        return wanted

    def _holds(self, free: float, at: int, due: list[tuple[float, tuple[int, ...]]]) -> bool:
        """Whether all can be served one after another once stage `at` may end in second `free`."""
        done = {at}
        for deadline, stages in due:
            if not done.isdisjoint(stages):
                continue
            after = self._nearest(at, stages)
            free += self.matrix.reach_s[at, after]
            if free > deadline:
                return False
            free += self.least_green_s
            at = after
            done.add(at)
        return True

    def _nearest(self, at: int, stages: tuple[int, ...]) -> int:
        return min(stages, key=lambda stage: self.matrix.reach_s.get((at, stage), float("inf")))
