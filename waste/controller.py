# SPDX-License-Identifier: Apache-2.0
"""Call where a container may overflow before the next chance, and take along what lies on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartcity.kernel.control import Expectation, Point, Setpoint
from waste import itinerary, solver
from waste.filling import Filling, chance
from waste.itinerary import Stop
from waste.level import EMPTIED_BELOW, FULL
from waste.solver import Job, Problem, Solution, Tip, Vehicle

HOUR_S = 3600.0
READY = ("off duty", "at the depot")
WALK_MS = 1.2
REACH_M = 500.0


@dataclass(frozen=True, slots=True)
class Bin:
    """A container: last level in % and its age in hours (None when never heard), how it fills, where it stands.

    `node` is its row in the matrices; `off_m` the walk from the road; `proof` the metric that shows an emptying with
    its bounds; `blocked` the crew's words when it could not be reached lately.
    """

    uid: str
    node: int
    level: float | None
    age_h: float
    filling: Filling | None
    kg_full: float
    service_s: float
    off_m: float = 0.0
    access: tuple[float, float] = (0.0, 24.0)
    blocked: str = ""
    proof: tuple[str, float, float] = ("waste.fill_level", 0.0, EMPTIED_BELOW)
    basis: tuple[str, ...] = ()
    on_rota_today: bool = False


@dataclass(frozen=True, slots=True)
class Lorry:
    """A truck: what it reports (state None when silent), signed capacity, shift in local hours, its depot's node.

    `promised` are the containers it announced to be still on its route.
    """

    uid: str
    state: str | None
    load_kg: float
    stops_left: int
    capacity_kg: float
    shift: tuple[float, float]
    depot: int
    promised: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """An unload site, open in local hours."""

    uid: str
    node: int
    service_s: float
    hours: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """The city's containers and trucks at a local hour 0..24; square matrices in seconds and metres over nodes."""

    hour: float
    bins: tuple[Bin, ...]
    trucks: tuple[Lorry, ...]
    sites: tuple[Site, ...]
    seconds: NDArray[np.float64]
    metres: NDArray[np.float64]


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


def decide(picture: Picture, policy: Policy) -> list[Setpoint]:
    """A route for every truck that is free and on shift, or to stand by until a call pays."""
    free = [truck for truck in picture.trucks if _is_free(truck, picture.hour, policy)]
    if not free or not picture.sites:
        return []
    plan = make_plan(picture, free, policy)
    busy = {route.truck.uid for route in plan.routes}
    waiting = [_stand_by(truck, plan, picture) for truck in free if truck.uid not in busy]
    return [_setpoint(route, plan, picture) for route in plan.routes] + waiting


def left_s(truck: Lorry, hour: float) -> float:
    """Seconds of the truck's shift that are left; 0 off shift. A shift may pass midnight."""
    begins, ends = truck.shift
    length, since = (ends - begins) % 24 or 24.0, (hour - begins) % 24
    return max(0.0, length - since) * HOUR_S if since < length else 0.0


def _is_free(truck: Lorry, hour: float, policy: Policy) -> bool:
    return truck.state in READY and truck.stops_left == 0 and left_s(truck, hour) >= policy.least_left_s


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


def risk(item: Bin, ahead_h: float) -> float:
    """Probability that the container is full within `ahead_h` hours; what nobody can know counts as 0."""
    if item.level is None or item.filling is None:
        return 0.0
    return float(chance(item.level, item.filling, item.age_h + ahead_h))


def expected_level(item: Bin) -> float:
    """Level in % now: the reading, and what has come in since."""
    if item.level is None:
        return 0.0
    grown = item.filling.mean * item.age_h / 24 if item.filling else 0.0
    return min(FULL, item.level + grown)


def _cannot(item: Bin, picture: Picture, free: list[Lorry]) -> str:
    if item.blocked:
        return item.blocked
    if item.level is None:
        return "its level has never been measured"
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
    return Problem(
        seconds, metres, tuple(jobs), vehicles, tuple(tips), policy.seed, policy.seconds_limit
    )  # fmt: skip


def kg(item: Bin) -> int:
    """What is expected to be taken out, rounded up, never nothing."""
    return max(1, int(np.ceil(item.kg_full * expected_level(item) / FULL)))


def _route(
    tour: solver.Tour, free: list[Lorry], chosen: list[Bin], sites: tuple[Site, ...], due: tuple[str, ...]
) -> Route:
    stops = []
    for leg in tour.legs:
        item = chosen[leg.job] if leg.job is not None else None
        stops.append(Stop(item.uid, kg(item)) if item else Stop(sites[leg.tip or 0].uid))
    needed = tuple(stop.uid for stop in stops if stop.uid in due)
    return Route(free[tour.vehicle], tuple(stops), needed, tour.metres, tour.seconds)


def _setpoint(route: Route, plan: Plan, picture: Picture) -> Setpoint:
    bins = {item.uid: item for item in picture.bins}
    calls = [bins[stop.uid] for stop in route.stops if stop.uid in bins]
    spare = min(1.6 * route.seconds + HOUR_S, left_s(route.truck, picture.hour))
    worst = max(calls, key=lambda item: plan.risks[item.uid])
    reason = (
        f"{len(calls)} containers, {len(route.due)} of them may overflow within {plan.horizon_h:.0f} h"
        f" ({worst.uid} {plan.risks[worst.uid]:.0%}), the others lie on the way:"
        f" {route.metres / 1000:.1f} km in {route.seconds / 60:.0f} min{_explained(plan)}"
    )
    return Setpoint(
        asset=route.truck.uid,
        point="route",
        value=itinerary.write(route.stops),
        reason=reason[:480],
        expires_in_s=spare,
        expect=_proof(calls, route.seconds),
        rests_on=tuple(line for item in calls[:20] for line in item.basis),
        alternative=_rota(picture),
    )


def _explained(plan: Plan) -> str:
    waiting = [uid for uid in plan.due if uid in plan.left_out]
    if not waiting:
        return ""
    uid, why = waiting[0], plan.left_out[waiting[0]]
    more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
    return f". Not on it although due: {uid} ({why}){more}"


def _rota(picture: Picture) -> str:
    return f"the fixed rota would call at {sum(item.on_rota_today for item in picture.bins)} containers today"


def _proof(calls: list[Bin], seconds: float) -> Expectation | None:
    """The last well-filled container of the route must show itself empty: measured by its sensor, not by the truck."""
    shown = [item for item in calls if item.level is not None and item.level >= 2 * EMPTIED_BELOW]
    if not shown:
        return None
    metric, low, high = shown[-1].proof
    return Expectation(metric, low, high, 1.5 * seconds + 2 * HOUR_S, asset=shown[-1].uid)


def _stand_by(truck: Lorry, plan: Plan, picture: Picture) -> Setpoint:
    most = max(plan.risks, key=lambda uid: plan.risks[uid], default="")
    waiting = [uid for uid in plan.due if uid in plan.left_out]
    if waiting:
        reason = f"{len(waiting)} due and not called at: {waiting[0]}, {plan.left_out[waiting[0]]}"
    elif plan.due:
        reason = f"{len(plan.due)} due, other trucks call there"
    else:
        top = f"; the nearest to it is {most} at {plan.risks[most]:.0%}" if most else ""
        reason = f"no container is likely to overflow within {plan.horizon_h:.0f} h{top}"
    return Setpoint(
        asset=truck.uid,
        point="route",
        value=itinerary.STAND_BY,
        reason=reason[:480],
        expires_in_s=min(HOUR_S, left_s(truck, picture.hour)),
        alternative=_rota(picture),
    )


POINTS = (
    Point(kind="truck", name="route", title="Route", unit="", longest_s=10 * HOUR_S),
    Point(kind="truck", name="next_stop", title="Next stop", unit="", longest_s=4 * HOUR_S),
)
