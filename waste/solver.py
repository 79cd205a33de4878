# SPDX-License-Identifier: Apache-2.0
"""Which containers to call at, in which order, with which truck: a prize-collecting vehicle routing problem with
unloading, solved by PyVRP. Run as `python -m waste.solver` it reads a problem on stdin, so that a city's event loop
never waits for the solver.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import msgspec

REQUIRED_PRIZE = 10**9
# Costs in 1/10,000 euro: 1.2 euro a km, 60 euro an hour, 20 euro a truck that leaves (Groningen's figures, waste.md).
PER_METRE, PER_SECOND, PER_TRUCK = 12, 167, 200_000
FAR = 10**7


class Unsolved(Exception):
    """The planner gave no answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """A container: node of the matrix, kg to take, seconds to empty, window in seconds from now; `prize` in costs."""

    node: int
    kg: float
    service_s: float
    prize: int
    is_required: bool = False
    early_s: float = 0.0
    late_s: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A truck: where it is, where it must end (empty), kg it may carry, seconds from now until its shift ends."""

    start: int
    depot: int
    capacity_kg: float
    load_kg: float
    left_s: float


@dataclass(frozen=True, slots=True)
class Tip:
    """An unload site; window in seconds from now."""

    node: int
    service_s: float
    early_s: float = 0.0
    late_s: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Problem:
    """Square matrices over nodes; `seconds_limit` of wall time and `patience` iterations without improvement."""

    seconds: list[list[float]]
    metres: list[list[float]]
    jobs: tuple[Job, ...]
    vehicles: tuple[Vehicle, ...]
    tips: tuple[Tip, ...]
    seed: int = 1
    seconds_limit: float = 2.0
    patience: int = 400


@dataclass(frozen=True, slots=True)
class Leg:
    """One visit: a job, or a tip (one of the two is None)."""

    job: int | None
    tip: int | None


@dataclass(frozen=True, slots=True)
class Tour:
    """What one vehicle does, the last unloading included; metres and seconds until it is back at its depot."""

    vehicle: int
    legs: tuple[Leg, ...]
    metres: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Solution:
    tours: tuple[Tour, ...]


def solve(problem: Problem) -> Solution:
    """Feasible tours; none where no plan fits. Jobs that do not fit or do not pay are in no tour."""
    if not problem.jobs or not problem.vehicles or not problem.tips:
        return Solution(())
    from pyvrp import Model, stop

    model = Model()
    built = _Model(problem, model)
    stopping = stop.MultipleCriteria([stop.MaxRuntime(problem.seconds_limit), stop.NoImprovement(problem.patience)])
    best = model.solve(stopping, seed=problem.seed, collect_stats=False, display=False).best
    if not best.is_feasible():
        return Solution(())
    tours = (built.tour(route) for route in best.routes())
    return Solution(tuple(tour for tour in tours if tour is not None))


class _Model:
    """The problem in PyVRP's terms. Trucks end at a place of their own behind the depot: the way there leads over
    the unload site that costs least, so that every truck comes home empty.
    """

    def __init__(self, problem: Problem, model: Any) -> None:
        self.problem = problem
        spots = [model.add_location(0, 0) for _ in problem.seconds]
        ends = {depot: model.add_location(0, 0) for depot in {vehicle.depot for vehicle in problem.vehicles}}
        for i, a in enumerate(spots):
            for j, b in enumerate(spots):
                model.add_edge(a, b, *_whole(problem.metres[i][j], problem.seconds[i][j]))
            for depot, end in ends.items():
                model.add_edge(a, end, *_whole(*self._home(i, depot)[1:]))
        for end in ends.values():
            for other in (*spots, *ends.values()):
                model.add_edge(end, other, *((0, 0) if other is end else (FAR, FAR)))
        self._add(model, spots, ends)

    def _add(self, model: Any, spots: list[Any], ends: dict[int, Any]) -> None:
        problem = self.problem
        tips = [
            model.add_depot(
                spots[tip.node],
                service_duration=ceil(tip.service_s),
                tw_early=int(tip.early_s),
                tw_late=int(tip.late_s),
            )
            for tip in problem.tips
        ]
        starts = {node: model.add_depot(spots[node]) for node in {vehicle.start for vehicle in problem.vehicles}}
        finals = {depot: model.add_depot(end) for depot, end in ends.items()}
        for vehicle in problem.vehicles:
            model.add_vehicle_type(
                1,
                capacity=[int(vehicle.capacity_kg)],
                initial_load=[min(ceil(vehicle.load_kg), int(vehicle.capacity_kg))],
                start_depot=starts[vehicle.start],
                end_depot=finals[vehicle.depot],
                reload_depots=tips,
                fixed_cost=PER_TRUCK,
                tw_late=max(0, int(vehicle.left_s)),
                unit_distance_cost=PER_METRE,
                unit_duration_cost=PER_SECOND,
            )
        for job in problem.jobs:
            model.add_client(
                spots[job.node],
                pickup=[ceil(job.kg)],
                service_duration=ceil(job.service_s),
                tw_early=max(0, int(job.early_s)),
                tw_late=max(0, int(job.late_s)),
                prize=REQUIRED_PRIZE if job.is_required else job.prize,
                required=False,
            )

    def _home(self, node: int, depot: int) -> tuple[int, float, float]:
        """(tip, metres, seconds) of the best way from a node over an unload site to the depot."""
        metres, seconds = self.problem.metres, self.problem.seconds
        return min(
            (
                (
                    number,
                    metres[node][tip.node] + metres[tip.node][depot],
                    seconds[node][tip.node] + tip.service_s + seconds[tip.node][depot],
                )
                for number, tip in enumerate(self.problem.tips)
            ),
            key=lambda way: (way[2], way[0]),
        )

    def tour(self, route: Any) -> Tour | None:
        """A route back in our terms, driven again through the matrices rather than believed."""
        number = route.vehicle_type()
        vehicle, tips = self.problem.vehicles[number], len(self.problem.tips)
        legs = [
            Leg(activity.idx, None) if activity.is_client() else Leg(None, activity.idx)
            for activity in list(route)[1:-1]
            if activity.is_client() or activity.idx < tips
        ]
        if not any(leg.job is not None for leg in legs):
            return None
        return drive(self.problem, number, (*legs, Leg(None, self._home(self._node(legs[-1]), vehicle.depot)[0])))

    def _node(self, leg: Leg) -> int:
        return self.problem.jobs[leg.job].node if leg.job is not None else self.problem.tips[leg.tip or 0].node


def drive(problem: Problem, number: int, legs: tuple[Leg, ...]) -> Tour:
    """Metres and seconds of a tour, waiting at closed places included."""
    vehicle = problem.vehicles[number]
    at, length, clock = vehicle.start, 0.0, 0.0
    for leg in legs:
        stop: Job | Tip = problem.jobs[leg.job] if leg.job is not None else problem.tips[leg.tip or 0]
        length += problem.metres[at][stop.node]
        clock = max(clock + problem.seconds[at][stop.node], stop.early_s) + stop.service_s
        at = stop.node
    return Tour(number, legs, length + problem.metres[at][vehicle.depot], clock + problem.seconds[at][vehicle.depot])


def _whole(metres: float, seconds: float) -> tuple[int, int]:
    return (ceil(metres), ceil(seconds)) if isfinite(metres) and isfinite(seconds) else (FAR, FAR)


def solve_apart(problem: Problem) -> Solution:
    """The same in a process of its own that ends with the answer. Raises Unsolved."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "waste.solver"],
            input=msgspec.json.encode(problem),
            capture_output=True,
            timeout=problem.seconds_limit * 10 + 20,
            env=os.environ | one_thread,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unsolved("the planner did not answer in time") from None
    if done.returncode:
        raise Unsolved(f"the planner failed: {done.stderr.decode(errors='replace')[-300:]}")
    return msgspec.json.decode(done.stdout, type=Solution)


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Problem)
    sys.stdout.buffer.write(msgspec.json.encode(solve(given)))
