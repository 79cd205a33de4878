# SPDX-License-Identifier: Apache-2.0
"""How good a forecast was. Every score leaves out steps without an actual; NaN when none is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartcity.forecasting import quantiles
from smartcity.forecasting.series import Array

SQL_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def seasonal_scale(values: Array, season: int) -> Array:
    """Mean absolute seasonal difference of `values[n, T]`, `[n]`: the MASE scale (Hyndman & Koehler 2006, eq. 3)."""
    if values.shape[1] <= season:
        return np.full(len(values), np.nan)
    return mean_known(np.abs(values[:, season:] - values[:, :-season]), axis=-1)


def absolute_error(predicted: Array, levels: Sequence[float], actual: Array) -> Array:
    """Mean |actual − median| over the horizon: `predicted[..., L, H]`, `actual[..., H]` → `[...]`."""
    return mean_known(np.abs(actual - quantiles.at_level(predicted, levels, 0.5)), axis=-1)


def quantile_loss(predicted: Array, levels: Sequence[float], actual: Array) -> Array:
    """Twice the mean pinball loss over 0.1 … 0.9 and the horizon; over the seasonal scale it is SQL (fev-bench)."""
    return mean_known(step_loss(predicted, levels, actual), axis=-1)


def step_loss(predicted: Array, levels: Sequence[float], actual: Array) -> Array:
    """Twice the mean pinball loss over 0.1 … 0.9 of each step: `predicted[..., L, H]` → `[..., H]`."""
    total = np.zeros(actual.shape)
    for level in SQL_LEVELS:
        error = actual - quantiles.at_level(predicted, levels, level)
        total += 2 * np.maximum(level * error, (level - 1) * error)
    return np.asarray(total / len(SQL_LEVELS))


def coverage(predicted: Array, levels: Sequence[float], actual: Array, *, band: float) -> Array:
    """Share of actuals inside the central `band` (0.8 → between 0.1 and 0.9)."""
    low = quantiles.at_level(predicted, levels, 0.5 - band / 2)
    high = quantiles.at_level(predicted, levels, 0.5 + band / 2)
    inside = np.where(np.isfinite(actual), (actual >= low) & (actual <= high), np.nan)
    return mean_known(inside, axis=-1)


def bias(predicted: Array, levels: Sequence[float], actual: Array) -> Array:
    """Mean of actual − median over the horizon: above zero where more came than was said."""
    return mean_known(actual - quantiles.at_level(predicted, levels, 0.5), axis=-1)


@dataclass(frozen=True, slots=True)
class Measured:
    """One forecast beside what came, over its `n` steps with an actual; `inside…` count steps.

    `naive_mae` is None without a value to repeat, `inside95` where the forecast does not say so wide a band.
    """

    n: int
    mae: float
    loss: float
    bias: float
    naive_mae: float | None
    inside80: int
    inside95: int | None


def measure(predicted: Array, levels: Sequence[float], actual: Array, before: Array) -> Measured | None:
    """`predicted[L, H]` beside `actual[H]` and the `before[H]` that seasonal naive repeats; None where nothing came."""
    n = int(np.isfinite(actual).sum())
    if not n:
        return None
    naive = float(mean_known(np.abs(actual - before), axis=-1))
    return Measured(
        n=n,
        mae=float(absolute_error(predicted, levels, actual)),
        loss=float(quantile_loss(predicted, levels, actual)),
        bias=float(bias(predicted, levels, actual)),
        naive_mae=naive if np.isfinite(naive) else None,
        inside80=round(float(coverage(predicted, levels, actual, band=0.8)) * n),
        inside95=round(float(coverage(predicted, levels, actual, band=0.95)) * n) if min(levels) <= 0.025 else None,
    )


def mean_known(values: Array, *, axis: int | tuple[int, ...]) -> Array:
    """Mean of the finite entries; NaN where there is none (np.nanmean would warn)."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
