# SPDX-License-Identifier: Apache-2.0
"""As it was one season ago; each series takes the season that served it best so far ahead.

For tomorrow that may be yesterday and for the day after last week: the choice is made for each cycle of the shortest
season in the horizon. The band comes from how far values one, two, … seasons apart have differed, wider at hours that
vary more. Without one full season the last value is held, with a band that grows with the square root of time.
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
    """`choice[n, cycles]`: which of the candidates serves each cycle of the horizon."""

    values: Array
    candidates: tuple[int, ...]
    choice: npt.NDArray[np.int64]


def fit(panel: Panel, target: Target) -> Model:
    """Choose by the mean absolute difference of values as far apart as the cycle needs."""
    candidates = seasons.supported(target.seasons_steps, panel.steps, cycles=1.25) or (1,)
    cycles = range(1, -(-target.horizon_steps // candidates[0]) + 1)
    losses = np.stack(
        [np.stack([_loss(panel.values, season, k * candidates[0]) for k in cycles], axis=1) for season in candidates]
    )
    comparable = np.where(np.isfinite(losses), losses, np.inf)
    return Model(panel.values, candidates, np.argmin(comparable, axis=0))


def predict(model: Model, horizon_steps: int, levels: Sequence[float]) -> Array:
    out = np.full((len(model.values), len(levels), horizon_steps), np.nan)
    cycle = np.arange(horizon_steps) // model.candidates[0]
    for index, season in enumerate(model.candidates):
        chosen = (model.choice == index)[:, np.minimum(cycle, model.choice.shape[1] - 1)]
        rows = np.flatnonzero(chosen.any(axis=1))
        if len(rows):
            band = _band(model.values[rows], season, horizon_steps, levels)
            out[rows] = np.where(chosen[rows][:, None, :], band, out[rows])
    return out


def _loss(values: Array, season: int, ahead: int) -> Array:
    """Mean absolute difference over the multiple of the season that reaches so many steps ahead, or the last known."""
    apart = min(-(-ahead // season), max(values.shape[1] // season - 1, 1)) * season
    return scores.mean_known(np.abs(values[:, apart:] - values[:, :-apart]), axis=1)


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
    past, future = seasons.phase_spread(errors, season, horizon=horizon)
    shape = quantiles.row_quantiles((errors / past)[:, -MOST_ERRORS:], (*levels, 0.5))
    shape = np.where(np.isfinite(shape), shape, 0.0)
    shape = shape[:, :-1] - shape[:, -1:]
    return np.asarray(shape[:, :, None] * future[:, None, :])
