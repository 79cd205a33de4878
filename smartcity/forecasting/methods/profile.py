# SPDX-License-Identifier: Apache-2.0
"""The usual course of the longest season (a week), cleared of noise by what all series of the panel have in common.

A weighted mean of the same step of past weeks, newer ones counting more; what the profiles share (their mean and
leading principal shapes, Eckart & Young 1936) is kept, and of what is a series' own as much as exceeds the noise of its
mean. Many sparse counters (boardings at a stop, people at a corner) are then read with each other's help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartcity.forecasting import quantiles, scores, seasons
from smartcity.forecasting.series import Array, Panel
from smartcity.kernel.forecasts import Target

HALF_LIFE_SEASONS = 6.0
SHAPES = 2
FEWEST = 8  # series from which shapes are shared
OTHER_DAYS = 0.02  # what a cycle that is not the same weekday counts for
LEVEL_KEPT = 1.0  # of how far the newest season was off
WIDENED = 1.15


@dataclass(frozen=True, slots=True)
class Model:
    """`usual[n, L]` for the steps after the newest, `residuals[n, T]` and the cycle their size repeats with."""

    usual: Array
    residuals: Array
    season: int


def fit(panel: Panel, target: Target) -> Model:
    periods = seasons.supported(target.seasons_steps, panel.steps)
    if not periods:
        raise ValueError("a profile needs two full cycles of a season")
    step, length = periods[0], periods[-1] - periods[-1] % periods[0]
    count = panel.steps // step
    cycles = panel.values[:, panel.steps - count * step :].reshape(len(panel.values), count, step)
    usual, weight = _means(cycles, length // step)
    usual = _cleared(usual, weight, cycles)
    past = usual.reshape(len(usual), -1, step)[:, (np.arange(count) - count) % (length // step)]
    residuals = (cycles - past).reshape(len(usual), -1)
    off = scores.mean_known(residuals[:, -length:], axis=1)
    return Model(usual + LEVEL_KEPT * np.nan_to_num(off)[:, None], residuals, step)


def predict(model: Model, horizon_steps: int, levels: Sequence[float]) -> Array:
    point = model.usual[:, np.arange(horizon_steps) % model.usual.shape[1]]
    past, spread = seasons.phase_spread(model.residuals, model.season, horizon=horizon_steps)
    shape = quantiles.row_quantiles(model.residuals / past, levels)
    return np.asarray(point[:, None, :] + shape[:, :, None] * spread[:, None, :] * WIDENED)


def _means(cycles: Array, long: int) -> tuple[Array, Array]:
    """Weighted mean of the same step of the same day `[n, L]`, and the mean weight it rests on `[n]`."""
    rows, count, _ = cycles.shape
    known = np.isfinite(cycles)
    day = np.arange(count)
    same = (day[None, :] - count - np.arange(long)[:, None]) % long == 0
    weight = 0.5 ** ((count - 1 - day) / (long * HALF_LIFE_SEASONS)) * (same + (OTHER_DAYS if long > 1 else 0.0))
    total = np.einsum("jd,nds->njs", weight, np.where(known, cycles, 0.0), optimize=True)
    seen = np.einsum("jd,nds->njs", weight, known.astype(np.float64), optimize=True)
    overall = total.sum(axis=(1, 2)) / np.maximum(seen.sum(axis=(1, 2)), 1e-9)
    usual = np.where(seen > 0, total / np.maximum(seen, 1e-9), overall[:, None, None])
    return usual.reshape(rows, -1), np.maximum(seen.mean(axis=(1, 2)), 1e-9)


def _cleared(usual: Array, weight: Array, cycles: Array) -> Array:
    """Each profile as the panel's mean and leading shapes, and of the rest the part that is not noise."""
    if len(usual) < FEWEST:
        return usual
    size = np.maximum(np.abs(usual).mean(axis=1, keepdims=True), 1e-12)
    scaled = usual / size
    base = scaled.mean(axis=0)
    left, strength, right = np.linalg.svd(scaled - base, full_matrices=False)
    common = base + (left[:, :SHAPES] * strength[:SHAPES]) @ right[:SHAPES]
    own = scaled - common
    count, long = cycles.shape[1], usual.shape[1] // cycles.shape[2]
    past = usual.reshape(len(usual), long, -1)[:, (np.arange(count) - count) % long]
    noise = scores.mean_known((cycles - past) ** 2, axis=(1, 2)) / size[:, 0] ** 2 / np.maximum(weight, 1.0)
    power = np.maximum((own**2).mean(axis=1), 1e-12)
    share = np.clip((power - np.nan_to_num(noise)) / power, 0.0, 1.0)
    return np.asarray((common + own * share[:, None]) * size)
