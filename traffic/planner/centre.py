# SPDX-License-Identifier: Apache-2.0
"""All junctions of a network planned together: each takes its detectors' frames and tells its neighbours who comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from traffic.planner.frames import Frame, Way, Zone
from traffic.planner.model import Intersection
from traffic.planner.search import Settings, plan
from traffic.planner.watch import ENTERING_S, Watch

MARGIN_RED_S = 30.0


@dataclass(frozen=True, slots=True)
class Junction:
    """What is announced once: the model, the watched zones, where each exit leads, what is lit by neighbours."""

    model: Intersection
    zones: Sequence[Zone]
    ways: Mapping[int, Sequence[Way]] = field(default_factory=dict)
    lit: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """What a signal controller reports: running stage (1 to S; 0 while changing) and seconds of green."""

    stage: int
    green_s: float


@dataclass(frozen=True, slots=True)
class Wish:
    """The stage wanted now, why, and what each stage would cost (veh·s; inf where not possible)."""

    stage: int
    costs: tuple[float, ...]
    reason: str


class Centre:
    """Pure but for its memory; no clock, no transport. Each junction costs one search a round."""

    def __init__(self, junctions: Mapping[str, Junction], settings: Settings) -> None:
        self.junctions, self.settings = junctions, settings
        self.watches = {uid: Watch(j.model, j.zones, j.lit) for uid, j in junctions.items()}

    def take(self, uid: str, frame: Frame) -> None:
        self.watches[uid].take(frame)
        for number, vehicles in frame.passed.items():
            for way in self.junctions[uid].ways.get(number, ()):
                due = frame.at_ms / 1000 + way.travel_s + ENTERING_S
                self.watches[way.junction].expect(due, way.lanes, vehicles * way.part)

    def wish(self, uid: str, state: State, now_s: float) -> Wish | None:
        """None while the stage changes, before its minimum green, or when the detectors are silent."""
        junction = self.junctions[uid]
        if state.stage == 0 or state.green_s < junction.model.min_green_s:
            return None
        watch = self.watches[uid]
        now = watch.situation(now_s, state.stage - 1, state.green_s, self.settings.horizon_s)
        if now is None:
            return None
        advice = plan(now, self.settings)
        lane = watch.must_serve(MARGIN_RED_S)
        if lane is not None and junction.model.share[state.stage - 1, lane] < 1:
            stage = junction.model.best_stage(lane) + 1
            return Wish(stage, advice.costs, f"a lane has waited {watch.waited[lane]:.0f} s, near its maximum red")
        return Wish(advice.stage + 1, advice.costs, _words(advice.costs, state.stage))


def _words(costs: Sequence[float], running: int) -> str:
    """Holding and changing with their prices, the cheapest first."""
    rows = sorted((cost, number) for number, cost in enumerate(costs, start=1) if cost != float("inf"))
    return ", ".join(
        f"{'holding' if number == running else 'changing to'} stage {number} costs {cost:.0f} veh·s"
        for cost, number in rows
    )
