# SPDX-License-Identifier: Apache-2.0
"""Stage requests: max-pressure looked ahead. Every candidate is played forward, the cheapest one is asked for.

The follow-up policy of each play is max-pressure (Varaiya 2013) with the price of changing; improving a policy by
playing each first step forward under it is a rollout (Bertsekas 2005, section 6.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smartcity.kernel.control import Expectation, Point, Setpoint, Situation
from traffic.picture import Approach, Junction, Stage, Town
from traffic.plans import Segment, write

STEP_S = 2.5
STANDING_S = 12.0  # vehicles seen moving in the zone reach the stop line within this
START_UP_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Seconds and veh·s (a person on foot counts as a vehicle). `margin_red_s` before the maximum red the waiting
    stage is asked for in any case."""

    horizon_s: float = 45.0
    expires_in_s: float = 30.0
    margin_red_s: float = 25.0
    full_downstream: float = 0.85
    terminal_red_s: float = 10.0
    terminal_green_s: float = 2.0
    squared: float = 0.6
    change_bias: float = 2.0


@dataclass(frozen=True, slots=True)
class Play:
    """One candidate played to the horizon: what it costs (veh·s) and the stages it ran through."""

    stage: int
    cost: float
    segments: tuple[Segment, ...]


def decide(town: Town, policy: Policy) -> list[Setpoint]:
    """One stage plan for each junction that has had its minimum green; the others go on with the plan they have."""
    asked = [request(junction, town.now_s, policy) for junction in town.junctions]
    return [setpoint for setpoint in asked if setpoint is not None]


def request(junction: Junction, now_s: int, policy: Policy) -> Setpoint | None:
    if junction.running == 0 or now_s - junction.since_s < junction.min_green_s:
        return None
    plays = sorted((play(junction, stage, now_s, policy) for stage in junction.stages), key=lambda p: p.cost)
    forced = _must_serve(junction, policy)
    chosen = next((p for p in plays if p.stage == forced), plays[0])
    others = [p for p in plays if p is not chosen]
    return Setpoint(
        asset=junction.uid,
        point="stage_plan",
        value=write(chosen.segments),
        reason=_reason(junction, chosen, others, is_forced=forced == chosen.stage),
        expires_in_s=policy.expires_in_s,
        rests_on=tuple(f"{a.detector} traffic.queue {a.queue:.0f}" for a in junction.approaches if not a.on_foot),
        alternative=_words(junction, others[0]) if others else "",
    )


def _must_serve(junction: Junction, policy: Policy) -> int:
    """The stage whose wait comes near the maximum red; 0 when nobody's does."""
    is_near = junction.longest_red_s >= junction.max_red_s - policy.margin_red_s
    return junction.waiting_stage if is_near and junction.waiting_stage != junction.running else 0


def play(junction: Junction, first: Stage, now_s: int, policy: Policy) -> Play:
    """Ask for `first` now, go on by max-pressure: queue-seconds up to the horizon, and what is left at its end."""
    queues = {a.uid: a.queue for a in junction.approaches}
    running, changing_s, green_s = first, 0.0, float(now_s - junction.since_s)
    segments = [Segment(first.number, junction.since_s)]
    cost = 0.0
    if first.number != junction.running:
        changing_s, green_s = junction.intergreen_s, 0.0
        segments = [Segment(first.number, now_s)]
        cost = policy.change_bias
    elapsed = 0.0
    while elapsed < policy.horizon_s:
        if changing_s > 0:
            changing_s -= STEP_S
            served: Mapping[str, float] = {}
        else:
            served, green_s = running.serves, green_s + STEP_S
        cost += _advance(junction, queues, served, elapsed, green_s, policy)
        elapsed += STEP_S
        if changing_s <= 0 and green_s >= junction.min_green_s:
            after = _by_pressure(junction, queues, running)
            if after is not running:
                running, changing_s, green_s = after, junction.intergreen_s, 0.0
                segments.append(Segment(after.number, now_s + round(elapsed)))
    return Play(first.number, cost + _left_over(queues, running, policy), _spaced(segments, junction))


def _advance(
    junction: Junction,
    queues: dict[str, float],
    served: Mapping[str, float],
    elapsed: float,
    green_s: float,
    policy: Policy,
) -> float:
    """One step of the fluid model; changes `queues`, answers with queue-seconds."""
    cost = 0.0
    start = 0.5 if green_s <= START_UP_S + STEP_S else 1.0
    for approach in junction.approaches:
        coming = approach.moving / STANDING_S if elapsed < STANDING_S else approach.arrivals
        share = served.get(approach.uid, 0.0)
        rate = approach.saturation * share * start * _room(approach, junction, policy)
        before = queues[approach.uid]
        after = max(0.0, before + (coming - rate) * STEP_S)
        queues[approach.uid] = after
        cost += (before + after) / 2 * STEP_S
    return cost


def _room(approach: Approach, junction: Junction, policy: Policy) -> float:
    """Share of the saturation flow that finds room downstream; no news is good news."""
    full = [junction.full[uid] for uid in approach.downstream if uid in junction.full]
    if not full:
        return 1.0
    return 1.0 - 0.8 * sum(f >= policy.full_downstream for f in full) / len(full)


def _by_pressure(junction: Junction, queues: Mapping[str, float], running: Stage) -> Stage:
    """Max-pressure with the price of changing: what the running stage would serve during an intergreen."""
    best = max(junction.stages, key=lambda stage: (_pressure(junction, queues, stage), -stage.number))
    price = 1.0 + sum(
        min(queues[a.uid], a.saturation * running.serves.get(a.uid, 0.0) * junction.intergreen_s)
        for a in junction.approaches
    )
    is_better = _pressure(junction, queues, best) > _pressure(junction, queues, running) + price
    return best if is_better else running


def _pressure(junction: Junction, queues: Mapping[str, float], stage: Stage) -> float:
    """Vehicles the stage could serve, less those that stand where they would go."""
    total = 0.0
    for approach in junction.approaches:
        share = stage.serves.get(approach.uid, 0.0)
        beyond = [junction.full[uid] for uid in approach.downstream if uid in junction.full]
        weight = 1.0 - (sum(beyond) / len(beyond) if beyond else 0.0)
        total += share * queues[approach.uid] * weight
    return total


def _left_over(queues: Mapping[str, float], running: Stage, policy: Policy) -> float:
    """What the queues at the horizon will still cost, squared so that nobody is left to wait for ever."""
    return sum(
        queue * (policy.terminal_green_s if running.serves.get(uid) else policy.terminal_red_s)
        + policy.squared * queue**2
        for uid, queue in queues.items()
    )


def _spaced(segments: Sequence[Segment], junction: Junction) -> tuple[Segment, ...]:
    """Later segments moved back where rounding would undercut minimum green plus intergreen."""
    least = int(junction.min_green_s + junction.intergreen_s + 1)
    found = [segments[0]]
    for segment in segments[1:4]:
        found.append(Segment(segment.stage, max(segment.start_s, found[-1].start_s + least)))
    return tuple(found)


def _reason(junction: Junction, chosen: Play, others: Sequence[Play], *, is_forced: bool) -> str:
    most = max(junction.approaches, key=lambda a: a.queue)
    who = "on foot at" if most.on_foot else "vehicles on"
    seen = f"{most.queue:.0f} {who} {most.name}" if most.queue >= 1 else "nobody waits"
    if is_forced:
        return f"{seen}; stage {chosen.stage} has waited {junction.longest_red_s:.0f} s, near its maximum red"
    costs = [_words(junction, chosen)] + [_words(junction, other) for other in others]
    return f"{seen}; " + ", ".join(costs)


def _words(junction: Junction, candidate: Play) -> str:
    verb = "holding" if candidate.stage == junction.running else "changing to"
    return f"{verb} stage {candidate.stage} costs {candidate.cost:.0f} veh·s"


def _stage_runs(value: float | str, situation: Situation) -> Expectation | None:
    """A held stage is confirmed by the controller's own report, after minimum green and intergreen at most."""
    del situation
    return Expectation("traffic.stage", float(value), float(value), 40.0)


POINTS = (
    Point(
        kind="intersection",
        name="stage",
        title="Hold a stage",
        unit="1",
        low=1,
        high=16,
        longest_s=900.0,
        expect=_stage_runs,
    ),
    Point(kind="intersection", name="stage_plan", title="Stage plan", unit="", longest_s=120.0),
)
