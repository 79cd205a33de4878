# SPDX-License-Identifier: Apache-2.0
"""Bands from a method's own past errors: normalised split conformal prediction, by block of the horizon.

Outside 80 % the wider of the native band and the learnt one stands: few windows hold few errors that are so rare.
With fewer than `ENOUGH` windows their errors may only widen the native band, half as much (in ratio) as they ask:
quantiles pooled from two to five windows were measured to make the coverage worse (0.83 → 0.75 for an 80 % band). With
fewer than `FEW` it is kept as it is.

A backtest cannot know what the next weeks bring. Once `JUDGED` forecasts as issued have met what came, each one that
missed more than 20 % of its steps makes the next bands wider and each that missed less narrower (adaptive conformal
inference, Gibbs & Candès 2021), so that in the long run 80 % lie inside whatever the series does.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from smartcity.forecasting import quantiles, scores
from smartcity.forecasting.series import Array

FEW, ENOUGH = 3, 7
MISSES = 0.2
STEP, JUDGED = 0.02, 12
TIGHTEST, WIDEST = 0.6, 0.01


def learn(predicted: Array, levels: Sequence[float], actual: Array, *, block: int) -> Array | None:
    """Quantiles of (actual − median) / half width of the native 80 % band: `[n, blocks, levels]`.

    `predicted[n, windows, levels, horizon]`, `actual[n, windows, horizon]`. None with too few windows.
    """
    windows = predicted.shape[1]
    if windows < FEW:
        return None
    middle, half = _native(predicted, levels)
    with np.errstate(invalid="ignore"):
        score = (actual - middle) / half
    if windows < ENOUGH:
        return _widened(score, levels)
    blocks = [score[:, :, at : at + block] for at in _starts(score.shape[-1], block)]
    return np.stack([_fair_quantiles(part, levels) for part in blocks], axis=1)


def _widened(score: Array, levels: Sequence[float]) -> Array:
    """A normal band, in ratio half way from the native one to what few errors ask for, never narrower: `[n, 1, L]`."""
    size = quantiles.row_quantiles(np.abs(score).reshape(len(score), -1), (0.8,))
    normal = np.array([NormalDist().inv_cdf(level) for level in levels]) / NormalDist().inv_cdf(0.9)
    return np.asarray(np.sqrt(np.maximum(size, 1.0))[:, None, :] * normal[None, None, :])


def apply(predicted: Array, levels: Sequence[float], learnt: Array, *, block: int) -> Array:
    """The band `predicted[n, levels, horizon]` with its width set by what was learnt; its median stays."""
    middle, half = _native(predicted, levels)
    which = np.minimum(np.arange(predicted.shape[-1]) // block, learnt.shape[1] - 1)
    shape = np.moveaxis(learnt, 2, 1)[:, :, which]
    centred = shape - quantiles.at_level(shape, levels, 0.5)[:, None, :]
    out = middle[:, None, :] + centred * half[:, None, :]
    low, high = (np.asarray(levels) < 0.1)[:, None], (np.asarray(levels) > 0.9)[:, None]
    out = np.where(low, np.minimum(out, predicted), np.where(high, np.maximum(out, predicted), out))
    return np.where(np.isfinite(out), out, predicted)


def adapt(miss: float, missed: Sequence[float]) -> float:
    """The share of misses to aim at next, after forecasts that missed these shares of their steps, oldest first."""
    for share in missed:
        miss = float(np.clip(miss + STEP * (MISSES - share), WIDEST, TIGHTEST))
    return miss


def width(miss: float, judged: int) -> float:
    """How much wider than learnt a band that aims at `miss` is, as if errors were normal; 1 until enough are judged."""
    if judged < JUDGED:
        return 1.0
    return NormalDist().inv_cdf(1 - miss / 2) / NormalDist().inv_cdf(1 - MISSES / 2)


def stretch(predicted: Array, levels: Sequence[float], by: float) -> Array:
    """The band `[..., levels, horizon]` with its distance from the median times `by`."""
    middle = quantiles.at_level(predicted, levels, 0.5)[..., None, :]
    return np.asarray(middle + (predicted - middle) * by)


def _fair_quantiles(score: Array, levels: Sequence[float]) -> Array:
    """Quantiles of `score[n, windows, steps]` at the levels that hold for a new window (Lei et al. 2018).

    Errors of one window go together, so it counts for variance / variance of window means of them, not for all.
    """
    rows, windows, steps = score.shape
    flat = score.reshape(rows, -1)
    means = scores.mean_known(score, axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.clip(_variance(flat) / _variance(means), 1.0, steps)
    seen = (windows * np.where(np.isfinite(each), each, 1.0))[:, None]
    outward = np.asarray(levels)[None, :] - 0.5
    fair = 0.5 + outward * (1 + 1 / seen) + np.sign(outward) * 0.5 / seen
    return quantiles.row_quantiles(flat, np.clip(fair, 0.0, 1.0))


def _variance(values: Array) -> Array:
    return scores.mean_known((values - scores.mean_known(values, axis=1)[:, None]) ** 2, axis=1)


def _native(predicted: Array, levels: Sequence[float]) -> tuple[Array, Array]:
    low, middle, high = (quantiles.at_level(predicted, levels, level) for level in (0.1, 0.5, 0.9))
    return middle, np.maximum((high - low) / 2, 1e-9)


def _starts(horizon: int, block: int) -> range:
    return range(0, max(horizon - block // 2, 1), block)
