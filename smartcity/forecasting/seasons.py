# SPDX-License-Identifier: Apache-2.0
"""What repeats: which seasons a history can support, gaps filled from the same phase, spread by phase."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smartcity.forecasting.series import Array


def supported(seasons: Sequence[int], steps: int, *, cycles: float = 2.0) -> tuple[int, ...]:
    """Seasons of which `steps` hold at least `cycles` full cycles, shortest first."""
    return tuple(sorted(season for season in set(seasons) if season > 1 and steps >= cycles * season))


def carried(values: Array, season: int) -> Array:
    """Gaps of `values[n, T]` filled with the last known value of the same phase; NaN where there is none."""
    rows, steps = values.shape
    lead = -steps % season
    cycles = np.concatenate([np.full((rows, lead), np.nan), values], axis=1).reshape(rows, -1, season)
    order = np.arange(cycles.shape[1])[None, :, None]
    newest = np.maximum.accumulate(np.where(np.isfinite(cycles), order, 0), axis=1)
    return np.asarray(np.take_along_axis(cycles, newest, axis=1).reshape(rows, -1)[:, lead:])


def filled(values: Array, season: int) -> Array:
    """Every gap filled: same phase before, else same phase after, else the series' mean (0 when it has none)."""
    gappy = np.flatnonzero(~np.isfinite(values).all(axis=1))
    out = values.copy()
    if len(gappy):
        out[gappy] = _filled(values[gappy], season)
    return out


def _filled(values: Array, season: int) -> Array:
    forward = carried(values, season)
    backward = carried(values[:, ::-1], season)[:, ::-1]
    count = np.isfinite(values).sum(axis=1, keepdims=True)
    mean = np.where(np.isfinite(values), values, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
    return np.where(np.isfinite(forward), forward, np.where(np.isfinite(backward), backward, mean))


def phase_spread(errors: Array, season: int, *, horizon: int) -> tuple[Array, Array]:
    """Mean absolute error by phase of season, half shrunk to the series' own mean: ([n, T], [n, horizon]).

    The horizon begins where `errors` end; a smooth window of a twelfth of the season is taken.
    """
    rows, steps = errors.shape
    lead = -steps % season
    cycles = np.full((rows, lead + steps), np.nan)
    np.abs(errors, out=cycles[:, lead:])
    known = np.isfinite(cycles)
    cycles[~known] = 0.0
    total = cycles.reshape(rows, -1, season).sum(axis=1)
    count = known.reshape(rows, -1, season).sum(axis=1, dtype=np.float64)
    width = max(season // 12, 1)
    total, count = _circular_sum(total, width), _circular_sum(count, width)
    overall = total.sum(axis=1, keepdims=True) / np.maximum(count.sum(axis=1, keepdims=True), 1.0)
    prior = 0.1 * count.mean(axis=1, keepdims=True) + 1.0
    spread = (total + prior * overall) / (count + prior)
    spread = np.maximum(spread, 1e-9 + 0.05 * overall)
    return spread[:, (np.arange(steps) - steps) % season], spread[:, np.arange(horizon) % season]


def _circular_sum(values: Array, width: int) -> Array:
    """Sum over `width` neighbouring phases, wrapping round."""
    if width == 1:
        return values
    left = width // 2
    wrapped = np.concatenate([values[:, -left:], values, values[:, : width - left]], axis=1)
    running = np.cumsum(np.concatenate([np.zeros((len(values), 1)), wrapped], axis=1), axis=1)
    return np.asarray((running[:, width:] - running[:, :-width])[:, : values.shape[1]])
