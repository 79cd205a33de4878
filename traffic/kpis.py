# SPDX-License-Identifier: Apache-2.0
"""What adaptive signals are worth: control delay against the fixed plan; vehicles, trams and people on foot apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartcity.kernel.worth import Evidence, Kpi, Worth

BASELINE = "fixed plan"
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Compared:
    """A KPI whose baseline the twin measures beside it, and the metric that says how many it concerns."""

    name: str
    metric: str
    baseline_metric: str
    weight_metric: str


COMPARED = (
    Compared("control_delay", "traffic.control_delay", "traffic.fixed_plan_delay", "traffic.flow"),
    Compared("tram_delay", "traffic.tram_delay", "traffic.fixed_plan_tram_delay", "traffic.tram_flow"),
    Compared("pedestrian_wait", "traffic.pedestrian_wait", "traffic.fixed_plan_pedestrian_wait", ""),
)
KPIS = (
    Kpi(name="control_delay", title="Control delay, vehicles", unit="s/veh", baseline=BASELINE),
    Kpi(name="tram_delay", title="Control delay, trams", unit="s/tram", baseline=BASELINE),
    Kpi(name="pedestrian_wait", title="Wait on foot", unit="s", baseline=BASELINE),
)


def weighted_mean(values: Array, weights: Array) -> float | None:
    """Mean over what is known on both sides; None where nothing is."""
    known = ~np.isnan(values) & ~np.isnan(weights) & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else None


def compare(kpi: Compared, grids: Mapping[str, Array], from_ms: int, to_ms: int, evidence: Evidence) -> Worth | None:
    """One KPI over the quarters and junctions where it and its baseline are both known; grids are [junction, quarter].

    Both sides are weighted by the same traffic: a junction that attracts more must not look worse for it.
    """
    value, baseline = grids[kpi.metric], grids[kpi.baseline_metric]
    weight = grids[kpi.weight_metric] if kpi.weight_metric else np.ones_like(value)
    weight = np.where(np.isnan(value) | np.isnan(baseline), np.nan, weight)
    ours, theirs = weighted_mean(value, weight), weighted_mean(baseline, weight)
    if ours is None or theirs is None:
        return None
    return Worth(
        kpi=kpi.name,
        value=ours,
        baseline=theirs,
        baseline_name=BASELINE,
        from_ms=from_ms,
        to_ms=to_ms,
        evidence=evidence,
        note=f"{int((~np.isnan(weight)).sum())} junction quarters; the fixed plan ran in the twin on the same demand",
    )
