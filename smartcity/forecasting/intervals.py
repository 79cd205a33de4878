# SPDX-License-Identifier: Apache-2.0
"""How wide a band is: what the backtest asks for, and then what has become of the forecasts as issued.

The errors of a few windows are too few to shape a band: quantiles learnt from eight of them were measured to lose
2.5 % more than the methods' own (decision 0016). What they do tell is that a series errs more than it should, so a band
that they call too narrow is widened, by a third of it in ratio, and never narrowed.

A backtest cannot know what the next weeks bring. Once `JUDGED` forecasts as issued have met what came, each one that
missed more than 20 % of its steps makes the next bands wider and each that missed less narrower (adaptive conformal
inference, Gibbs & Candès 2021), so that in the long run 80 % lie inside whatever the series does.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from smartcity.forecasting import quantiles
from smartcity.forecasting.series import Array

NORMAL_80 = NormalDist().inv_cdf(0.9)
FEW, TRUSTED, MOST = 3, 0.35, 8.0
MISSES = 0.2
STEP, JUDGED = 0.02, 12
TIGHTEST, WIDEST = 0.6, 0.01


def asked(predicted: Array, levels: Sequence[float], actual: Array) -> Array:
    """How much wider `predicted[n, windows, levels, H]` is better made in view of `actual[n, windows, H]`: `[n]`.

    1 with too few windows, or where 80 % and more lay inside the 80 % band.
    """
    low, middle, high = (quantiles.at_level(predicted, levels, level) for level in (0.1, 0.5, 0.9))
    with np.errstate(invalid="ignore"):
        away = np.abs(actual - middle) / np.maximum((high - low) / 2, 1e-9)
    size = quantiles.row_quantiles(away.reshape(len(away), -1), (0.8,))[:, 0]
    enough = np.isfinite(away).any(axis=2).sum(axis=1) >= FEW
    return np.where(enough & np.isfinite(size), np.clip(size, 1.0, MOST) ** TRUSTED, 1.0)


def adapt(miss: float, missed: Sequence[float]) -> float:
    """The share of misses to aim at next, after forecasts that missed these shares of their steps, oldest first."""
    for share in missed:
        miss = float(np.clip(miss + STEP * (MISSES - share), WIDEST, TIGHTEST))
    return miss


def width(miss: float, judged: int) -> float:
    """How much wider a band that aims at `miss` is, as if errors were normal; 1 until enough are judged."""
    if judged < JUDGED:
        return 1.0
    return NormalDist().inv_cdf(1 - miss / 2) / NORMAL_80


def stretch(predicted: Array, levels: Sequence[float], by: float | Array) -> Array:
    """The band `[..., levels, horizon]` with its distance from the median times `by`."""
    middle = quantiles.at_level(predicted, levels, 0.5)[..., None, :]
    return np.asarray(middle + (predicted - middle) * by)
