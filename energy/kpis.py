# SPDX-License-Identifier: Apache-2.0
"""What steering is worth: peak, cost and carbon of the steered sites against the same sites without control."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartcity.kernel.worth import Evidence, Kpi, Worth

Array = NDArray[np.float64]
KPIS = (
    Kpi(name="peak", title="Sum of site peaks", unit="kW", baseline="no control"),
    Kpi(name="cost", title="Energy and capacity cost", unit="EUR", baseline="no control"),
    Kpi(name="carbon", title="Carbon", unit="kg CO2", baseline="no control"),
)


@dataclass(frozen=True, slots=True)
class Day:
    """Steered sites [s] over quarter hours [q]: import as measured and without control, kW; EUR/kWh, g/kWh [s, q].

    `capacity_price` [s] is EUR per kW of the month's peak.
    """

    measured_kw: Array
    uncontrolled_kw: Array
    price: Array
    carbon_g: Array
    capacity_price: Array


def worth(day: Day, from_ms: int, to_ms: int, evidence: Evidence) -> list[Worth]:
    """Both columns over the same quarter hours, each site at its own terms."""
    seen = ~(np.isnan(day.measured_kw) | np.isnan(day.uncontrolled_kw))
    actual, idle = (np.where(seen, kw, 0.0) for kw in (day.measured_kw, day.uncontrolled_kw))
    pairs = {"peak": _peak, "cost": _cost, "carbon": _carbon}
    return [
        Worth(
            kpi=name,
            value=figure(actual, day),
            baseline=figure(idle, day),
            baseline_name="no control",
            from_ms=from_ms,
            to_ms=to_ms,
            evidence=evidence,
        )
        for name, figure in pairs.items()
    ]


def _peak(kw: Array, day: Day) -> float:
    return float(_peaks(kw).sum())


def _cost(kw: Array, day: Day) -> float:
    energy = float((np.maximum(kw, 0.0) * day.price).sum()) * 0.25
    return energy + float((_peaks(kw) * day.capacity_price).sum()) / 30


def _peaks(kw: Array) -> Array:
    return np.asarray(np.max(kw, axis=1, initial=0.0))


def _carbon(kw: Array, day: Day) -> float:
    return float((np.maximum(kw, 0.0) * day.carbon_g).sum()) * 0.25 / 1000
