# SPDX-License-Identifier: Apache-2.0
"""As it was one season ago; of the target's seasons each series takes the one that served it best.

The band comes from how far values one, two, … seasons apart have differed, wider at hours that vary more.
Without one full season the last value is held, with a band that grows with the square root of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smartcity.forecasting import quantiles, scores, seasons
from smartcity.forecasting.series import Array, Panel
from smartcity.kernel.forecasts import Target

MOST_ERRORS = 2_016


@dataclass(frozen=True, slots=True)
class Model:
    values: Array
    candidates: tuple[int, ...]
    choice: npt.NDArray[np.int64]


def fit(panel: Panel, target: Target) -> Model:
    """Choose each series' season by the mean absolute error over the target's horizon."""
    candidates = seasons.supported(target.seasons_steps, panel.steps, cycles=1.25) or (1,)
    losses = [_loss(panel.values, season, target.horizon_steps) for season in candidates]
    comparable = np.where(np.isfinite(losses), losses, np.inf)
    return Model(panel.values, candidates, np.argmin(comparable, axis=0))


def predict(model: Model, horizon_steps: int, levels: Sequence[float]) -> Array:
    out = np.full((len(model.values), len(levels), horizon_steps), np.nan)
    for index, season in enumerate(model.candidates):
        rows = np.flatnonzero(model.choice == index)
        if len(rows):
            out[rows] = _band(model.values[rows], season, horizon_steps, levels)
    return out


def _loss(values: Array, season: int, horizon: int) -> Array:
    """Mean absolute difference over the multiples of the season that the horizon needs, as far as they exist."""
    multiples = range(1, min(-(-horizon // season), max(values.shape[1] // season - 1, 1), 8) + 1)
    each = [scores.mean_known(np.abs(values[:, k * season :] - values[:, : -k * season]), axis=1) for k in multiples]
    return scores.mean_known(np.stack(each), axis=0)


def _band(values: Array, season: int, horizon: int, levels: Sequence[float]) -> Array:
    last = values[:, -season:].copy()
    gappy = np.flatnonzero(~np.isfinite(last).all(axis=1))
    if len(gappy):
        last[gappy] = seasons.carried(values[gappy], season)[:, -season:]
    known = scores.mean_known(last, axis=1)[:, None]
    last = np.where(np.isfinite(last), last, known)
    point = last[:, np.arange(horizon) % season]
    cycle = np.arange(horizon) // season + 1
    measured = max(min(int(cycle[-1]), values.shape[1] // season - 1, 4), 1)
    out = np.empty((len(values), len(levels), horizon))
    for k in range(1, measured + 1):
        steps = cycle >= k if k == measured else cycle == k
        growth = np.sqrt(cycle[steps] / k)
        out[:, :, steps] = _differences(values, season, k, horizon, levels)[:, :, steps] * growth
    return out + point[:, None, :]


def _differences(values: Array, season: int, k: int, horizon: int, levels: Sequence[float]) -> Array:
    """Quantiles of the differences k seasons apart, normalised by their spread at each phase."""
    errors = values[:, k * season :] - values[:, : -k * season]
    if errors.shape[1] == 0:
        return np.zeros((len(values), len(levels), horizon))
    past, future = seasons.phase_spread(errors, season, end=errors.shape[1], horizon=horizon)
    shape = quantiles.row_quantiles((errors / past)[:, -MOST_ERRORS:], (*levels, 0.5))
    shape = np.where(np.isfinite(shape), shape, 0.0)
    shape = shape[:, :-1] - shape[:, -1:]
    return np.asarray(shape[:, :, None] * future[:, None, :])
