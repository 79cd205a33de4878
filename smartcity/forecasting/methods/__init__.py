# SPDX-License-Identifier: Apache-2.0
"""The methods there are. A new one is a file with `fit` and `predict`, and a row in METHODS.

    fit(panel, target) -> model            panel: n series that share their instants, gaps NaN
    predict(model, horizon_steps, levels)  -> quantiles [n, levels, horizon], in any order and unbounded

A method may fail (raise, or return NaN) for a series: the engine then goes down the ladder. Its module is imported
when it is first used, so that a process which only reads forecasts never loads Prophet or statsmodels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from smartcity.forecasting.series import Array, Panel
from smartcity.kernel.forecasts import Target, Tier


@dataclass(frozen=True, slots=True)
class Method:
    """`windows`: rolling origins of its backtest; `cycles`: cycles of the shortest season it needs to be tried."""

    name: str
    title: str
    tier: Tier
    windows: int
    cycles: float

    def fit(self, panel: Panel, target: Target) -> object:
        return import_module(f"{__name__}.{self.name}").fit(panel, target)

    def predict(self, model: object, horizon_steps: int, levels: Sequence[float]) -> Array:
        values: Array = import_module(f"{__name__}.{self.name}").predict(model, horizon_steps, levels)
        return values


NAIVE = "seasonal_naive"
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(NAIVE, "seasonal naive", Tier.LIGHT, windows=14, cycles=1.0),
        Method("closed_form", "harmonic ridge (closed-form Prophet) with residual correction", Tier.LIGHT, 14, 3.0),
        Method("prophet", "Prophet", Tier.HEAVY, windows=3, cycles=7.0),
        Method("statsmodels", "STL-ETS (statsmodels)", Tier.HEAVY, windows=3, cycles=7.0),
    )
}


def suited(tier: Tier) -> tuple[str, ...]:
    """Names of the methods a tier may use: the light ones always, the heavy ones for heavy targets only."""
    return tuple(name for name, method in METHODS.items() if tier is Tier.HEAVY or method.tier is Tier.LIGHT)
