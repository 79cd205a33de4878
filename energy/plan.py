# SPDX-License-Identifier: Apache-2.0
"""The linear programme of one site: cost, capacity, wear and unserved charging over the next day (HiGHS)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from energy.controller import Policy

Array = NDArray[np.float64]
INF = highspy.kHighsInf
EFFICIENCY = 0.95
NAMES = ("charge", "discharge", "energy", "import", "export", "charging", "breach")
MONTH_PEAK_SHARE = 1 / 4  # of the capacity price, for what a plan of one day adds to the month's peak: others follow
DAY_PEAK_SHARE = 1 / 30


@dataclass(frozen=True, slots=True)
class Store:
    """A battery: capacity in kWh, power in kW, state of charge 0..1 clipped into what physics allows."""

    uid: str
    capacity_kwh: float
    power_kw: float
    soc: float


@dataclass(frozen=True, slots=True)
class Evse:
    """A charging point, its rating and what it draws now, kW."""

    uid: str
    power_kw: float
    power_now_kw: float


@dataclass(frozen=True, slots=True)
class Site:
    """A connection point over T steps: load, PV and charging demand in kW, price in EUR/kWh; all arrays [T].

    `month_peak_kw` and `day_peak_kw` are the highest imports of the last month and of today until now: staying below
    them costs nothing more. `tomorrow_from` is the first step of the next local day.
    """

    uid: str
    name: str
    contracted_kw: float
    load_kw: Array
    pv_kw: Array
    charging_kw: Array
    price: Array
    capacity_price: float
    month_peak_kw: float
    day_peak_kw: float
    tomorrow_from: int
    batteries: tuple[Store, ...]
    chargers: tuple[Evse, ...]
    basis: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What the site would do: import, battery (charge positive), charging in kW [T]; cost in EUR; solver status."""

    import_kw: Array
    battery_kw: Array
    charging_kw: Array
    cost: float
    status: str


def solve(site: Site, policy: Policy, step_h: float) -> Plan:
    """The cheapest plan. Variables per step: charge, discharge, energy, import, export, charging, breach; and the peaks
    of the month, of today and of tomorrow. A day's peak costs a thirtieth of the month's, as the ledger counts it: else
    batteries would charge at full power up to a peak of three weeks ago.

    Never infeasible: the state of charge is clipped, the contract is soft at `policy.breach`, charging may wait at
    `policy.unserved`. Falls back to no battery action when the solver fails. O(T) variables, a few ms for T = 96.
    """
    steps = len(site.load_kw)
    power, size = sum(b.power_kw for b in site.batteries), sum(b.capacity_kwh for b in site.batteries)
    stored = sum(min(max(b.soc, 0.0), 1.0) * b.capacity_kwh for b in site.batteries)
    at = {name: np.arange(steps) + i * steps for i, name in enumerate(NAMES)}
    at["peak"] = len(NAMES) * steps + np.arange(3)
    upper = np.concatenate(
        [np.full(steps, b) for b in (power, power, size, INF, INF)] + [site.charging_kw, np.full(steps + 3, INF)]
    )
    lower, cost = np.zeros(len(upper)), np.zeros(len(upper))
    lower[at["peak"]] = np.maximum([site.month_peak_kw, site.day_peak_kw, 0.0], 0.0)
    cost[at["charge"]] = cost[at["discharge"]] = policy.wear / 2 * step_h
    cost[at["import"]] = site.price * step_h
    cost[at["export"]] = -0.3 * site.price * step_h
    cost[at["charging"]] = -policy.unserved * step_h
    cost[at["breach"]] = policy.breach * step_h
    cost[at["energy"][-1]] = -0.8 * float(np.median(site.price))  # what is left over has a price, not a target
    cost[at["peak"]] = site.capacity_price * np.array([MONTH_PEAK_SHARE, DAY_PEAK_SHARE, DAY_PEAK_SHARE])
    rows = _rows(site, at, stored, step_h)
    solution, status = _highs(lower, upper, cost, rows)
    if solution is None:
        net = site.load_kw - site.pv_kw + site.charging_kw
        return Plan(np.maximum(net, 0.0), np.zeros(steps), site.charging_kw, 0.0, status)
    battery = solution[at["charge"]] - solution[at["discharge"]]
    net = solution[at["import"]] - solution[at["export"]]
    return Plan(net, battery, solution[at["charging"]], float(cost @ solution), status)


Row = tuple[float, float, list[int], list[float]]


def _rows(site: Site, at: dict[str, NDArray[np.int64]], stored: float, step_h: float) -> list[Row]:
    """Balance, energy of the battery, contract and the peaks of month and day, per step."""
    rows: list[Row] = []
    month, today, tomorrow = at["peak"].tolist()
    for t in range(len(site.load_kw)):
        charge, discharge, energy, bought, sold, charging, breach = (int(at[name][t]) for name in NAMES)
        net = float(site.load_kw[t] - site.pv_kw[t])
        rows.append((net, net, [bought, sold, charge, discharge, charging], [1, -1, -1, 1, -1]))
        before = ([energy - 1], [-1.0]) if t else ([], [])
        start = 0.0 if t else stored
        flows = [EFFICIENCY * -step_h, step_h / EFFICIENCY]
        rows.append((start, start, [energy, *before[0], charge, discharge], [1.0, *before[1], *flows]))
        rows.append((-INF, site.contracted_kw, [bought, breach], [1.0, -1.0]))
        for peak in (month, today if t < site.tomorrow_from else tomorrow):
            rows.append((-INF, 0.0, [bought, peak], [1.0, -1.0]))
    return rows


def _highs(lower: Array, upper: Array, cost: Array, rows: list[Row]) -> tuple[Array | None, str]:
    model: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    model.silent()
    model.setOptionValue("threads", 1)
    model.setOptionValue("time_limit", 5.0)
    model.addVars(len(lower), lower, upper)
    model.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)
    starts = np.cumsum([0, *(len(row[2]) for row in rows)])[:-1].astype(np.int32)
    columns = np.array([column for row in rows for column in row[2]], dtype=np.int32)
    values = np.array([value for row in rows for value in row[3]], dtype=np.float64)
    lows, highs = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    model.addRows(len(rows), lows, highs, len(columns), starts, columns, values)
    model.run()
    status = model.modelStatusToString(model.getModelStatus())
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None, status
    return np.array(model.getSolution().col_value), status
