# SPDX-License-Identifier: Apache-2.0
"""Bands from a method's own past errors: normalised split conformal prediction, by block of the horizon.

With fewer than `ENOUGH` backtest windows the method's native band is kept: pooled errors of two to five windows
were measured to make the coverage worse (0.83 → 0.75 for an 80 % band).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smartcity.forecasting import quantiles
from smartcity.forecasting.series import Array

ENOUGH = 12
SAMPLES_PER_WINDOW = 2


def learn(predicted: Array, levels: Sequence[float], actual: Array, *, block: int) -> Array | None:
    """Quantiles of (actual − median) / half width of the native 80 % band: `[n, blocks, levels]`.

    `predicted[n, windows, levels, horizon]`, `actual[n, windows, horizon]`. None with too few windows.
    """
    if predicted.shape[1] < ENOUGH:
        return None
    middle, half = _native(predicted, levels)
    with np.errstate(invalid="ignore"):
        score = (actual - middle) / half
    fair = [_fair(level, SAMPLES_PER_WINDOW * predicted.shape[1]) for level in levels]
    blocks = [score[:, :, at : at + block].reshape(len(score), -1) for at in _starts(score.shape[-1], block)]
    return np.stack([quantiles.row_quantiles(part, fair) for part in blocks], axis=1)


def apply(predicted: Array, levels: Sequence[float], learnt: Array, *, block: int) -> Array:
    """The band `predicted[n, levels, horizon]` with its width set by what was learnt; its median stays."""
    middle, half = _native(predicted, levels)
    which = np.minimum(np.arange(predicted.shape[-1]) // block, learnt.shape[1] - 1)
    shape = np.moveaxis(learnt, 2, 1)[:, :, which]
    centred = shape - quantiles.at_level(shape, levels, 0.5)[:, None, :]
    out = middle[:, None, :] + centred * half[:, None, :]
    return np.where(np.isfinite(out), out, predicted)


def _fair(level: float, seen: int) -> float:
    """The level that covers `level` of what comes when only `seen` independent errors were seen (Lei et al. 2018)."""
    outward = abs(level - 0.5) * (1 + 1 / seen) + 0.5 / seen * (level != 0.5)
    return float(np.clip(0.5 + np.sign(level - 0.5) * outward, 0.0, 1.0))


def _native(predicted: Array, levels: Sequence[float]) -> tuple[Array, Array]:
    low, middle, high = (quantiles.at_level(predicted, levels, level) for level in (0.1, 0.5, 0.9))
    return middle, np.maximum((high - low) / 2, 1e-9)


def _starts(horizon: int, block: int) -> range:
    return range(0, max(horizon - block // 2, 1), block)
