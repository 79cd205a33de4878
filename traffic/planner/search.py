# SPDX-License-Identifier: Apache-2.0
"""Which stage to run next: a beam search over stage sequences in a queue model of one junction.

Every future is played forward second by second; each `epoch_s` it may go on or change to any other stage, and the best
few that end in each stage live on. Cost O(epochs x S² x width x epoch_s x L) for S stages and L lanes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from traffic.planner.model import Floats, Intersection

NEVER = 1e9


def _compiled(function: Any) -> Any:
    """Machine code, kept on disk where there is a place that may be written to: it takes seconds to make."""
    try:
        return numba.njit(cache=True, fastmath=True)(function)
    except RuntimeError:
        return numba.njit(fastmath=True)(function)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Seconds, and costs in vehicle-seconds."""

    horizon_s: int = 60
    epoch_s: int = 3
    width: int = 6
    headway_s: float = 1.9
    lost_s: float = 1.0
    yellow_used_s: float = 1.5
    yield_s: float = 1.0
    yield_per_flow_s: float = 14.0
    stop_cost: float = 3.0
    left_red: float = 10.0
    left_green: float = 2.0
    left_squared: float = 1.0
    blocked_s: int = 10

    def numbers(self) -> Floats:
        return np.array(
            [
                self.headway_s,
                self.lost_s,
                self.yellow_used_s,
                self.yield_s,
                self.yield_per_flow_s,
                self.stop_cost,
                self.left_red,
                self.left_green,
                self.left_squared,
                self.blocked_s,
            ]
        )


@dataclass(frozen=True, slots=True)
class Now:
    """One junction: running stage (index), how long it is green (s), queues (L,), arrivals (T, L) per second, and
    lanes whose way out is blocked (L,), what a vehicle of a lane counts (L,)."""

    model: Intersection
    stage: int
    green_s: float
    queues: Floats
    arrivals: Floats
    blocked: NDArray[np.bool_]
    weight: Floats | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """`costs`: what the best future costs that begins with each stage (inf: not possible now), vehicle-seconds."""

    stage: int
    costs: tuple[float, ...]


def plan(now: Now, settings: Settings) -> Advice:
    """The best next stage of a junction that has had its minimum green."""
    model = now.model
    weight = np.ones(len(model.lanes)) if now.weight is None else np.asarray(now.weight, float)
    costs = _search(
        model.share.astype(np.float64),
        model.gives_way.astype(np.float64),
        model.opposing.astype(np.float64),
        np.array([model.yellow_s + model.all_red_s, model.min_green_s]),
        now.stage,
        float(now.green_s),
        np.asarray(now.queues, np.float64),
        np.asarray(now.arrivals, np.float64),
        np.asarray(now.blocked),
        weight,
        settings.numbers(),
        settings.horizon_s // settings.epoch_s,
        settings.epoch_s,
        settings.width,
    )
    return Advice(int(np.argmin(costs)), tuple(float(c) if c < NEVER / 2 else float("inf") for c in costs))


@_compiled
def _search(
    share: Any,
    gives: Any,
    opposing: Any,
    seconds: Any,
    stage0: Any,
    green0: Any,
    queues0: Any,
    arrivals: Any,
    blocked: Any,
    weight: Any,
    numbers: Any,
    epochs: Any,
    step: Any,
    width: Any,
) -> Floats:
    stages, lanes = share.shape
    most = stages * width
    change_s, min_green = seconds[0], seconds[1]
    lost = numbers[1]
    queues = np.zeros((most, lanes))
    cost = np.full(most, NEVER)
    stage = np.zeros(most, np.int64)
    before = np.zeros(most, np.int64)
    change = np.zeros(most)
    green = np.zeros(most)
    first = np.full(most, -1, np.int64)
    queues[0] = queues0
    cost[0] = 0.0
    stage[0] = stage0
    before[0] = stage0
    green[0] = green0
    count = 1
    nq = np.zeros((most, lanes))
    nrank = np.zeros(most)
    ncost = np.zeros(most)
    nbefore = np.zeros(most, np.int64)
    nchange = np.zeros(most)
    ngreen = np.zeros(most)
    nfirst = np.zeros(most, np.int64)
    filled = np.zeros(stages, np.int64)
    trial = np.zeros(lanes)
    for epoch in range(epochs):
        filled[:] = 0
        for p in range(count):
            for to in range(stages):
                stays = to == stage[p]
                if not stays and (change[p] > 0 or green[p] < min_green):
                    continue
                if stays:
                    left, old, run = change[p], before[p], green[p]
                else:
                    left, old, run = change_s + lost, stage[p], 0.0
                trial[:] = queues[p]
                spent = _play(
                    share,
                    gives,
                    opposing,
                    to,
                    old,
                    left,
                    change_s + lost,
                    trial,
                    arrivals,
                    blocked,
                    weight,
                    numbers,
                    epoch * step,
                    step,
                )
                total = cost[p] + spent
                rank = total + _left(share, to, trial, weight, numbers)
                base = to * width
                slot = filled[to]
                if slot == width:
                    worst = 0
                    for k in range(1, width):
                        if nrank[base + k] > nrank[base + worst]:
                            worst = k
                    if rank >= nrank[base + worst]:
                        continue
                    slot = worst
                else:
                    filled[to] += 1
                at = base + slot
                nrank[at] = rank
                ncost[at] = total
                nq[at] = trial
                nbefore[at] = old
                nchange[at] = max(0.0, left - step)
                ngreen[at] = run + max(0.0, step - left)
                nfirst[at] = to if epoch == 0 else first[p]
        count = 0
        for to in range(stages):
            for k in range(filled[to]):
                at = to * width + k
                queues[count] = nq[at]
                cost[count] = ncost[at]
                stage[count] = to
                before[count] = nbefore[at] if nchange[at] > 0 else to
                change[count] = nchange[at]
                green[count] = ngreen[at]
                first[count] = nfirst[at]
                count += 1
    best = np.full(stages, NEVER)
    for p in range(count):
        total = cost[p] + _left(share, stage[p], queues[p], weight, numbers)
        if total < best[first[p]]:
            best[first[p]] = total
    return best


@_compiled
def _play(
    share: Any,
    gives: Any,
    opposing: Any,
    to: Any,
    old: Any,
    left: Any,
    full_change: Any,
    queues: Any,
    arrivals: Any,
    blocked: Any,
    weight: Any,
    numbers: Any,
    begin: Any,
    step: Any,
) -> float:
    """Plays `step` seconds in stage `to` (`left` seconds of the change to go), changes `queues`, answers the cost."""
    lanes = queues.shape[0]
    headway, yellow_used, yield_s, per_flow, stop_cost = numbers[0], numbers[2], numbers[3], numbers[4], numbers[5]
    gone = np.zeros(lanes)
    spent = 0.0
    for second in range(step):
        t = begin + second
        if t >= arrivals.shape[0]:
            t = arrivals.shape[0] - 1
        rest = left - second
        runs = min(1.0, max(0.0, 1.0 - rest))
        tail = min(1.0, max(0.0, yellow_used - (full_change - rest))) if rest > 0 else 0.0
        for turn in range(2):
            for lane in range(lanes):
                gives_way = gives[to, lane] > 0
                if gives_way != (turn == 1):
                    continue
                new, was = share[to, lane], share[old, lane]
                both = min(new, was)
                open_s = max(new * runs, both)
                if was > both:
                    open_s += (was - both) * tail
                if begin + second < numbers[9] and blocked[lane]:
                    open_s = 0.0
                coming = arrivals[t, lane]
                waiting = queues[lane] + coming
                served = 0.0
                if open_s > 0:
                    each = headway
                    if gives_way:
                        against = 0.0
                        for other in range(lanes):
                            if opposing[to, lane, other] > 0:
                                against += gone[other]
                        if against > 0:
                            each += gives[to, lane] * (yield_s + per_flow * against)
                    capacity = open_s / each
                    served = min(waiting, capacity)
                    at_once = max(0.0, capacity - queues[lane])
                    stopped = coming - min(coming, at_once)
                else:
                    stopped = coming
                gone[lane] = served
                queues[lane] = waiting - served
                spent += weight[lane] * (queues[lane] + stop_cost * stopped)
    return spent


@_compiled
def _left(
    share: Any,
    to: Any,
    queues: Any,
    weight: Any,
    numbers: Any,
) -> float:
    """What the queues at the end will still cost."""
    total = 0.0
    for lane in range(queues.shape[0]):
        each = numbers[7] if share[to, lane] > 0 else numbers[6]
        total += weight[lane] * queues[lane] * (each + numbers[8] * queues[lane])
    return total
