# SPDX-License-Identifier: Apache-2.0
"""What adaptive lighting is worth: energy against two baselines, and the minutes it was below class (must be 0)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lighting.classes import power_share
from smartcity.kernel.worth import Evidence, Kpi, Worth

KPIS = (
    Kpi(name="energy", title="Energy", unit="kWh", baseline="all night at full light"),
    Kpi(name="energy_part_night", title="Energy", unit="kWh", baseline="part-night 50 % from 23 to 5"),
    Kpi(name="below_class", title="Minutes below class", unit="lamp-min", baseline="none allowed"),
)
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Night:
    """What was measured: arrays over lamps [n] and quarter hours [q]; levels in %, power in W, NaN where silent.

    `is_dark` at the start of each quarter, `is_dark_after` at its end.
    """

    levels: Array
    power_w: Array
    rated_w: Array
    least: Array
    is_dark: NDArray[np.bool_]
    is_dark_after: NDArray[np.bool_]
    local_hour: Array


def kwh(power_w: Array) -> float:
    """Energy of mean powers over quarter hours."""
    return float(np.nansum(power_w)) * 0.25 / 1000


def worth(night: Night, from_ms: int, to_ms: int, evidence: Evidence) -> list[Worth]:
    """Energy beside both baselines over the same lamps and quarter hours that reported, and minutes below class.

    The quarters in which dusk or dawn falls are not judged: their mean mixes dark lamps with lit ones.
    """
    seen = ~np.isnan(night.power_w)
    full = np.where(night.is_dark, night.rated_w[:, None], 0.0)
    late = (night.local_hour >= 23) | (night.local_hour < 5)
    part = np.where(late, full * power_share(50), full)
    lit = night.is_dark & night.is_dark_after & ~np.isnan(night.levels) & (night.levels > 0)
    short = 15.0 * float(np.sum(lit & (night.levels + 0.5 < night.least[:, None])))
    actual = kwh(night.power_w)
    found = (
        ("energy", actual, kwh(full[seen]), "all night"),
        ("energy_part_night", actual, kwh(part[seen]), "part-night"),
        ("below_class", short, 0.0, "none allowed"),
    )
    return [
        Worth(
            kpi=kpi,
            value=value,
            baseline=baseline,
            baseline_name=name,
            from_ms=from_ms,
            to_ms=to_ms,
            evidence=evidence,
        )
        for kpi, value, baseline, name in found
    ]
