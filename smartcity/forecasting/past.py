# SPDX-License-Identifier: Apache-2.0
"""The past of many series as the engine wants it: one regular history each, from the rollups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smartcity import declared
from smartcity.forecasting import engine
from smartcity.forecasting.series import Array, History, boundary
from smartcity.kernel.forecasts import Target
from smartcity.kernel.metrics import Total
from smartcity.telemetry import read
from smartcity.telemetry.buckets import Grain

COLUMNS = {Total.MEAN: "mean", Total.SUM: "total", Total.LAST: "last", Total.MAX: "high"}
UNSETTLED_MS = 2 * 86_400_000
READ_AGAIN_MS = 86_400_000
AT_ONCE_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class _Kept:
    series: tuple[int, ...]
    start_ms: int
    values: npt.NDArray[np.float32]
    whole_at_ms: int


class Shelf:
    """Remembers what it read: later only the last two days are read again, and everything once a city day."""

    def __init__(self) -> None:
        self._kept: dict[Target, _Kept] = {}

    def histories(self, target: Target, series: Sequence[int], now_ms: int) -> list[History]:
        """As far back as the engine looks, up to the last full step; the same few queries for all."""
        step_ms = grain_s(target) * 1000
        end = boundary(now_ms, target.step_s)
        start = end - engine.memory_steps(target) * target.step_s * 1000
        kept = self._kept.get(target)
        if kept is None or not self._helps(kept, tuple(series), start, now_ms):
            kept = _Kept(tuple(series), start, np.empty((len(series), 0), np.float32), now_ms)
        known_until = max(start, kept.start_ms + kept.values.shape[1] * step_ms - UNSETTLED_MS)
        old = kept.values[:, (start - kept.start_ms) // step_ms : (known_until - kept.start_ms) // step_ms]
        values = np.concatenate([old, grid(target, series, known_until, end).astype(np.float32)], axis=1)
        self._kept[target] = _Kept(tuple(series), start, values, kept.whole_at_ms)
        return [History(start, grain_s(target), row.astype(np.float64)) for row in values]

    @staticmethod
    def _helps(kept: _Kept, series: tuple[int, ...], start_ms: int, now_ms: int) -> bool:
        age = now_ms - kept.whole_at_ms
        return kept.series == series and kept.start_ms <= start_ms and 0 <= age < READ_AGAIN_MS


def histories(target: Target, series: Sequence[int], now_ms: int) -> list[History]:
    """As far back as the engine looks, up to the last full step; the same few queries for all."""
    end = boundary(now_ms, target.step_s)
    start = end - engine.memory_steps(target) * target.step_s * 1000
    return [History(start, grain_s(target), row) for row in grid(target, series, start, end)]


def grid(target: Target, series: Sequence[int], from_ms: int, to_ms: int) -> Array:
    """`[series, steps]` in steps of the finest stored grain that divides the target's; NaN where nothing came.

    Week by week: a row costs a hundred times more memory on its way here than in the array.
    """
    metric = declared.metrics().get(target.metric)
    column = COLUMNS[metric.total] if metric else "mean"
    grain: Grain = "1h" if grain_s(target) == 3600 else "15m"
    step_ms = grain_s(target) * 1000
    values = np.full((len(series), (to_ms - from_ms) // step_ms), np.nan)
    for start in range(from_ms, to_ms, AT_ONCE_MS):
        wanted, found = read.grid(series, grain, start, min(start + AT_ONCE_MS, to_ms), column)
        values[:, (wanted - from_ms) // step_ms] = found
    return values


def grain_s(target: Target) -> int:
    return 900 if target.step_s % 3600 else 3600
