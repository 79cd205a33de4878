# SPDX-License-Identifier: Apache-2.0
"""Who must be called at, whether driving pays now, and the routes: a picture in, a plan out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from waste import solver
from waste.itinerary import Stop
from waste.level import FULL
from waste.picture import HOUR_S, Bin, Lorry, Picture, Site, expected_level, kg, left_s, risk
from waste.solver import Job, Problem, Solution, Tip, Vehicle

WALK_MS = 1.2
REACH_M = 500.0


@dataclass(frozen=True, slots=True)
class Policy:
    """`required_risk`: a container likelier than this to overflow before the next chance must be called at;
    `missed_cost`: prize in the solver's costs for one certain overflow avoided; `joining`: share of a mean
    collection's cost a full container is worth on the way. A route is sent with at least `least_left_s` of shift.
    """

    required_risk: float = 0.1
    missed_cost: int = 300_000
    joining: int = 12_000
    visit_after_h: float = 3.0
    begin_within_h: float = 0.75
    enough_due: int = 4
    least_left_s: float = 2700.0
    seconds_limit: float = 2.0
    seed: int = 1
    solve: Callable[[Problem], Solution] = solver.solve_apart


@dataclass(frozen=True, slots=True)
class Route:
    """What one truck is to do, with the containers that must not wait."""

    truck: Lorry
    stops: tuple[Stop, ...]
    due: tuple[str, ...]
    metres: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Routes, the risk of every container, and why a due container is on none of the routes.

    What a truck under way has promised to call at is not due again.
    """

    routes: tuple[Route, ...]
    risks: dict[str, float]
    due: tuple[str, ...]
    left_out: dict[str, str]
    horizon_h: float


def horizon_h(picture: Picture, policy: Policy) -> float:
    """Hours until a container left now would be called at: the next shift's begin and some hours on its route."""
    begins = [(truck.shift[0] - picture.hour) % 24 for truck in picture.trucks]
    return min((gap for gap in begins if gap > 1.0), default=24.0) + policy.visit_after_h


def make_plan(picture: Picture, free: list[Lorry], policy: Policy) -> Plan:
    """Risks, whether driving pays now, and the solver's routes. Every due container is on a route or explained."""
    ahead = horizon_h(picture, policy)
    risks = {item.uid: risk(item, ahead) for item in picture.bins}
    promised = {uid for truck in picture.trucks if truck.state is not None for uid in truck.promised}
    bins = [item for item in picture.bins if item.uid not in promised]
    due = tuple(item.uid for item in bins if risks[item.uid] >= policy.required_risk)
    left_out = {item.uid: why for item in bins if (why := _cannot(item, picture, free))}
    open_bins = [item for item in bins if item.uid not in left_out]
    if not _pays(picture, free, open_bins, due, policy):
        return Plan((), risks, due, {uid: left_out.get(uid, "not worth a trip yet") for uid in due}, ahead)
    chosen = [item for item in open_bins if item.uid in due or _is_candidate(item, risks[item.uid])]
    problem = _problem(picture, free, chosen, risks, frozenset(due), policy)
    try:
        found = policy.solve(problem)
    except solver.Unsolved as error:
        return Plan((), risks, due, dict.fromkeys(due, str(error)), ahead)
    routes = tuple(_route(tour, free, chosen, picture.sites, due) for tour in found.tours)
    served = {stop.uid for route in routes for stop in route.stops}
    no_room = "no truck has room or time for it before its shift ends"
    return Plan(routes, risks, due, {uid: left_out.get(uid, no_room) for uid in due if uid not in served}, ahead)


def _cannot(item: Bin, picture: Picture, free: list[Lorry]) -> str:
    if item.blocked:
        return item.blocked
    if item.level is None:
        return "its level has never been measured"
    if item.kg_full is None:
        return "what it weighs when full is not known"
    if item.off_m > REACH_M:
        return f"{item.off_m:.0f} m from any road a truck may use"
    longest = max(left_s(truck, picture.hour) for truck in free)
    if not _window(item.access, picture.hour, longest):
        return f"a truck may stop there only from {item.access[0]:g} to {item.access[1]:g} h"
    return "" if np.isfinite(picture.seconds[free[0].depot, item.node]) else "no way leads there by road"


def _window(hours: tuple[float, float], hour: float, longest_s: float) -> tuple[float, float] | None:
    """The first span from now, in seconds, in which local `hours` are open within `longest_s`; None when closed."""
    begins, ends = hours
    length = (ends - begins) % 24 or 24.0
    since = (hour - begins) % 24
    if since < length:
        return 0.0, (86_400.0 if length >= 24 else (length - since) * HOUR_S)
    early = (24 - since) * HOUR_S
    return (early, early + length * HOUR_S) if early < longest_s else None


def _pays(picture: Picture, free: list[Lorry], bins: list[Bin], due: tuple[str, ...], policy: Policy) -> bool:
    """With the shift's begin whoever is due is called at; later only several at once, or one about to overflow."""
    reachable = [item for item in bins if item.uid in due]
    if not reachable:
        return False
    begun = min((picture.hour - truck.shift[0]) % 24 for truck in free)
    soon = any(risk(item, 2.0) >= 0.5 for item in reachable)
    return begun <= policy.begin_within_h or len(reachable) >= policy.enough_due or soon


def _is_candidate(item: Bin, its_risk: float) -> bool:
    return its_risk >= 0.005 or expected_level(item) >= 50


def _problem(
    picture: Picture,
    free: list[Lorry],
    chosen: list[Bin],
    risks: dict[str, float],
    due: frozenset[str],
    policy: Policy,
) -> Problem:
    longest = max(left_s(truck, picture.hour) for truck in free)
    jobs = []
    for item in chosen:
        early, late = _window(item.access, picture.hour, longest) or (0.0, 0.0)
        prize = policy.missed_cost * risks[item.uid] + policy.joining * expected_level(item) / FULL
        service = item.service_s + 2 * item.off_m / WALK_MS
        jobs.append(Job(item.node, kg(item), service, int(prize), item.uid in due, early, late))
    tips = []
    for site in picture.sites:
        early, late = _window(site.hours, picture.hour, longest) or (longest, longest)
        tips.append(Tip(site.node, site.service_s, early, late))
    vehicles = tuple(
        Vehicle(truck.depot, truck.depot, truck.capacity_kg, truck.load_kg, left_s(truck, picture.hour))
        for truck in free
    )
    seconds, metres = picture.seconds.tolist(), picture.metres.tolist()
    return Problem(seconds, metres, tuple(jobs), vehicles, tuple(tips), policy.seed, policy.seconds_limit)


def _route(
    tour: solver.Tour, free: list[Lorry], chosen: list[Bin], sites: tuple[Site, ...], due: tuple[str, ...]
) -> Route:
    stops = []
    for leg in tour.legs:
        item = chosen[leg.job] if leg.job is not None else None
        stops.append(Stop(item.uid, kg(item)) if item else Stop(sites[leg.tip or 0].uid))
    needed = tuple(stop.uid for stop in stops if stop.uid in due)
    return Route(free[tour.vehicle], tuple(stops), needed, tour.metres, tour.seconds)
