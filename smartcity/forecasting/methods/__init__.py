# SPDX-License-Identifier: Apache-2.0
"""The methods there are. A new one is a file with `fit` and `predict`, and a row in METHODS.

    fit(panel, target) -> model            panel: n series that share their instants, gaps NaN
    predict(model, horizon_steps, levels)  -> quantiles [n, levels, horizon], in any order and unbounded

A method may fail (raise, or return NaN) for a series: the engine then goes down the ladder. Its module is imported
when it is first used, so that a process which only reads forecasts never loads Prophet or statsmodels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np

from smartcity.forecasting.series import Array, Panel
from smartcity.kernel.forecasts import Target, Tier


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a method has learnt, and whether it learnt it from roots."""

    model: object
    in_roots: bool


@dataclass(frozen=True, slots=True)
class Method:
    """`windows`: rolling origins of its backtest; `cycles`: cycles of the shortest season it needs to be tried.

    `in_roots`: it is shown the square roots of what cannot be negative. Counts, flows and loads scatter the more the
    larger they are; their roots scatter about evenly (Bartlett 1936), which least squares and bands rely on.
    """

    name: str
    title: str
    tier: Tier
    windows: int
    cycles: float
    in_roots: bool = False

    def fit(self, panel: Panel, target: Target) -> Fitted:
        in_roots = self.in_roots and target.low == 0.0
        if in_roots:
            panel = replace(panel, values=np.sqrt(np.maximum(panel.values, 0.0)))
        return Fitted(import_module(f"{__name__}.{self.name}").fit(panel, target), in_roots)

    def predict(self, fitted: Fitted, horizon_steps: int, levels: Sequence[float]) -> Array:
        values: Array = import_module(f"{__name__}.{self.name}").predict(fitted.model, horizon_steps, levels)
        return np.maximum(values, 0.0) ** 2 if fitted.in_roots else values


NAIVE = "seasonal_naive"
WINDOWS = 8
MIX = "mix"  # what a forecast is called that several methods share
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(NAIVE, "seasonal naive", Tier.LIGHT, windows=WINDOWS, cycles=1.0),
        Method(
            "closed_form",
            "harmonic ridge (closed-form Prophet) with residual correction",
            Tier.LIGHT,
            WINDOWS,
            3.0,
            True,
        ),
        Method("direct_ridge", "direct seasonal-lag ridge", Tier.LIGHT, windows=WINDOWS, cycles=8.0, in_roots=True),
        Method("profile", "shared weekly profile", Tier.LIGHT, windows=WINDOWS, cycles=8.0, in_roots=True),
        Method("prophet", "Prophet", Tier.HEAVY, windows=3, cycles=7.0),
        Method("statsmodels", "STL-ETS (statsmodels)", Tier.HEAVY, windows=3, cycles=7.0),
    )
}


def suited(tier: Tier) -> tuple[str, ...]:
    """Names of the methods a tier may use: the light ones always, the heavy ones for heavy targets only."""
    return tuple(name for name, method in METHODS.items() if tier is Tier.HEAVY or method.tier is Tier.LIGHT)
