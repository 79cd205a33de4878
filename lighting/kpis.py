# SPDX-License-Identifier: Apache-2.0
"""What adaptive lighting is worth: energy against two baselines, and the minutes below class (must be 0) or unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lighting.classes import power_share
from lighting.controller import TOLERANCE_W
from smartcity.kernel.worth import Evidence, Kpi, Worth

KPIS = (
    Kpi(name="energy", title="Energy", unit="kWh", baseline="all night at full light"),
    Kpi(name="energy_part_night", title="Energy", unit="kWh", baseline="part-night 50 % from 23 to 5"),
    Kpi(name="below_class", title="Minutes below class", unit="lamp-min", baseline="none allowed"),
    Kpi(name="not_known", title="Minutes not known", unit="lamp-min", baseline="none allowed"),
)
QUARTER_MIN = 15.0
DARK_W = 1.0  # a lamp of unknown rating that draws less gives no light
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Night:
    """What was measured: arrays over lamps [n] and quarter hours [q]; levels in %, power in W, NaN where silent.

    `rated_w` and `least` (%) are NaN where nobody has said them: such a lamp must give some light. `is_dark` at the
    start of each quarter; `is_night` all through it, and a little before and after.
    """

    levels: Array
    power_w: Array
    rated_w: Array
    least: Array
    is_dark: NDArray[np.bool_]
    is_night: NDArray[np.bool_]
    local_hour: Array


def kwh(power_w: Array) -> float:
    """Energy of mean powers over quarter hours."""
    return float(np.nansum(power_w)) * 0.25 / 1000


def below_class(night: Night) -> NDArray[np.bool_]:
    """[n, q]: what the node reports or what the lamp draws is less than its class needs: dimmed too far, dark, failed.

    The quarters in which dusk or dawn falls are not judged: their mean mixes dark lamps with lit ones.
    """
    with np.errstate(invalid="ignore"):
        too_dim = (night.levels + 0.5 < night.least[:, None]) | (night.levels <= 0)
        too_weak = night.power_w < least_power_w(night)[:, None]
    return np.asarray(night.is_night & (too_dim | too_weak))


def least_power_w(night: Night) -> Array:
    """[n]: what a lamp draws at its minimum class, less the tolerance of its proof (15 %, at least 3 W or a half)."""
    needed = night.rated_w * np.array([power_share(level) for level in night.least])
    slack = np.maximum(0.15 * needed, np.minimum(TOLERANCE_W, 0.5 * needed))
    return np.where(np.isnan(needed), DARK_W, needed - slack)


def worth(night: Night, from_ms: int, to_ms: int, evidence: Evidence) -> list[Worth]:
    """Energy beside both baselines, lamp-minutes below class, and those of which nobody knows since power was silent.

    Energy is compared over the same lamps and quarter hours: those that reported and kept their class. What a dark or
    silent lamp does not draw is not saved.
    """
    below = below_class(night)
    unknown = night.is_night & ~below & np.isnan(night.power_w)
    full = np.where(night.is_dark, night.rated_w[:, None], 0.0)
    late = (night.local_hour >= 23) | (night.local_hour < 5)
    part = np.where(late, full * power_share(50), full)
    counts = ~np.isnan(night.power_w) & ~np.isnan(full) & ~below
    actual = kwh(night.power_w[counts])
    found = (
        ("energy", actual, kwh(full[counts]), "all night", ""),
        ("energy_part_night", actual, kwh(part[counts]), "part-night", ""),
        ("below_class", QUARTER_MIN * float(below.sum()), 0.0, "none allowed", _lamps(below)),
        ("not_known", QUARTER_MIN * float(unknown.sum()), 0.0, "none allowed", _lamps(unknown)),
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
            note=note,
        )
        for kpi, value, baseline, name, note in found
    ]


def _lamps(found: NDArray[np.bool_]) -> str:
    return f"{int(found.any(axis=1).sum())} of {len(found)} luminaires"
