# SPDX-License-Identifier: Apache-2.0
"""Call where a container may overflow before the next chance, and take along what lies on the way."""

from __future__ import annotations

from smartcity.kernel.control import Expectation, Point, Setpoint, Situation
from waste import itinerary
from waste.level import EMPTIED_BELOW
from waste.picture import HOUR_S, Bin, Lorry, Picture, left_s
from waste.planning import Plan, Policy, Route, make_plan

TAKEN_WITHIN_S = 300.0
READY = ("off duty", "at the depot")


def decide(picture: Picture, policy: Policy) -> list[Setpoint]:
    """A route for every truck that is free and on shift, or to stand by until a call pays."""
    free = [truck for truck in picture.trucks if _is_free(truck, picture.hour, policy)]
    if not free or not picture.sites:
        return []
    plan = make_plan(picture, free, policy)
    busy = {route.truck.uid for route in plan.routes}
    waiting = [_stand_by(truck, plan, picture) for truck in free if truck.uid not in busy]
    return [_setpoint(route, plan, picture) for route in plan.routes] + waiting


def _is_free(truck: Lorry, hour: float, policy: Policy) -> bool:
    return truck.state in READY and truck.stops_left == 0 and left_s(truck, hour) >= policy.least_left_s


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
    shown = [item for item in calls if item.proof and item.level is not None and item.level >= 2 * EMPTIED_BELOW]
    if not shown or shown[-1].proof is None:
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


def _taken(value: float | str, situation: Situation) -> Expectation | None:
    """By hand: the truck has it on its list, or nothing any more, as it reports every quarter of a minute.

    What it finishes before it stands by takes a few minutes. A call with nothing but unload sites shows nothing.
    """
    try:
        stops = itinerary.read(value)
    except itinerary.BadItinerary:
        return None
    served = situation.announced.get("serves", {})
    if any(not stop.is_unload or stop.uid in served for stop in stops):
        return Expectation("waste.stops_left", 1, itinerary.MOST_STOPS, TAKEN_WITHIN_S)
    return None if stops else Expectation("waste.stops_left", 0, 0, 3 * TAKEN_WITHIN_S)


POINTS = (
    Point(kind="truck", name="route", title="Route", unit="", longest_s=10 * HOUR_S, expect=_taken),
    Point(kind="truck", name="next_stop", title="Next stop", unit="", longest_s=4 * HOUR_S, expect=_taken),
)
