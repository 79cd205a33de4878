# SPDX-License-Identifier: Apache-2.0
"""Rolling plan for batteries and chargers behind connection points: a linear programme, answered as bounded modes.

A battery is told a band for the site's import and follows its own meter within it; a charging point is told a limit.
Both end by themselves. Physics is hard, wishes are soft with a price, so there is always a plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy.interlocks import RESERVE_SOC
from energy.metrics import LEAST_KW, MOST_KW
from energy.plan import Plan, Site, solve
from smartcity.kernel.control import Bound, Expectation, Point, Setpoint, Situation

PROVEN_WITHIN_S = 180.0
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Picture:
    """Every site with something to steer, and the length of a step in hours."""

    sites: tuple[Site, ...]
    step_h: float


@dataclass(frozen=True, slots=True)
class Policy:
    """`lease_s`: life of a command; `wear`: EUR per kWh through a battery; `breach`: EUR per kWh above the contract."""

    lease_s: float = 1800.0
    wear: float = 0.03
    breach: float = 5.0
    unserved: float = 0.6
    minimum_charger_kw: float = 4.2


def decide(picture: Picture, policy: Policy) -> list[Setpoint]:
    """Bands for batteries and limits for charging points, from one plan per site."""
    return [s for site in picture.sites for s in _orders(site, solve(site, policy, picture.step_h), policy)]


def _orders(site: Site, plan: Plan, policy: Policy) -> list[Setpoint]:
    why = _why(site, plan)
    found: list[Setpoint] = []
    for battery in site.batteries:
        low, high = _band(site, plan)
        for point, value in (("import_high", high), ("import_low", low)):
            proof = _band_proof(point, value, battery.power_kw, site.uid)
            found.append(_setpoint(site, battery.uid, point, value, why, policy, proof))
    if site.chargers:
        limit = _limit(site, plan, policy)
        for charger in site.chargers:
            value = min(charger.power_kw, limit)
            expect = Expectation("energy.charging_kw", 0.0, value + 1.0, PROVEN_WITHIN_S)
            found.append(_setpoint(site, charger.uid, "limit", round(value, 1), why, policy, expect))
    return found


def _band(site: Site, plan: Plan) -> tuple[float, float]:
    """Import is held at or below the planned one when discharging, at or above it when charging."""
    high = max(plan.import_kw[0], 0.0) if plan.battery_kw[0] < -0.5 else site.contracted_kw
    low = plan.import_kw[0] if plan.battery_kw[0] > 0.5 else 0.0
    return round(min(low, site.contracted_kw), 1), round(min(high, site.contracted_kw), 1)


def _limit(site: Site, plan: Plan, policy: Policy) -> float:
    active = max(1, sum(charger.power_now_kw > 0.5 for charger in site.chargers))
    return max(policy.minimum_charger_kw, float(plan.charging_kw[0]) / active)


def _why(site: Site, plan: Plan) -> str:
    peak = float(np.max(site.load_kw - site.pv_kw))
    doing = "charges" if plan.battery_kw[0] > 0.5 else "discharges" if plan.battery_kw[0] < -0.5 else "rests"
    ahead = f"load peaks at {peak:.0f} kW within a day, contract {site.contracted_kw:.0f} kW"
    held = f"planned peak {float(np.max(plan.import_kw)):.0f} kW"
    battery = f"the battery {doing}, " if site.batteries else ""
    return f"{site.name}: {battery}{ahead}, {held}, price now {site.price[0]:.2f} EUR/kWh"


def _setpoint(
    site: Site, uid: str, point: str, value: float, why: str, policy: Policy, expect: Expectation | None
) -> Setpoint:
    return Setpoint(
        asset=uid,
        point=point,
        value=value,
        reason=why,
        expires_in_s=policy.lease_s,
        expect=expect,
        rests_on=site.basis,
        alternative=f"without control the day's import peaks at {float(np.max(site.load_kw - site.pv_kw)):.0f} kW",
    )


def _band_proof(point: str, value: float, rated_kw: float, meter: str) -> Expectation:
    """The site's import keeps the bound, or the battery shows why it cannot: at its rating, empty, or full.

    `meter` is the connection point the battery follows. Both report each minute; the proof is owed before the loop's
    next round may ask for something else.
    """
    slack = max(3.0, 0.05 * value)
    nearly, whole = 0.95 * rated_kw, 1.05 * rated_kw
    if point == "import_high":
        unless = Bound("energy.battery_kw", -whole, -nearly), Bound("energy.soc", 0.0, RESERVE_SOC + 2.0)
        return Expectation("energy.import_kw", LEAST_KW, value + slack, PROVEN_WITHIN_S, meter, unless)
    unless = Bound("energy.battery_kw", nearly, whole), Bound("energy.soc", 98.0, 100.0)
    return Expectation("energy.import_kw", value - slack, MOST_KW, PROVEN_WITHIN_S, meter, unless)


def _held_by_hand(point: str) -> Callable[[float | str, Situation], Expectation | None]:
    """The same for an operator's bound, where the battery has announced which meter it follows."""

    def proof(value: float | str, situation: Situation) -> Expectation | None:
        rated, meter = situation.engineering.get("power_kw"), situation.announced.get("follows")
        if isinstance(value, str) or not isinstance(rated, int | float) or not isinstance(meter, str):
            return None
        return _band_proof(point, value, float(rated), meter)

    return proof


def _charger_proof(value: float | str, situation: Situation) -> Expectation | None:
    del situation
    return None if isinstance(value, str) else Expectation("energy.charging_kw", 0.0, value + 1.0, PROVEN_WITHIN_S)


POINTS = (
    *(
        Point("battery", name, title, "kW", low=0, high=5000, longest_s=12 * 3600, expect=_held_by_hand(name))
        for name, title in (("import_high", "Hold site import below"), ("import_low", "Raise site import to"))
    ),
    Point("charger", "limit", "Charging limit", "kW", low=0, high=400, longest_s=12 * 3600, expect=_charger_proof),
)
