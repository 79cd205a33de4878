# SPDX-License-Identifier: Apache-2.0
"""The past of many series as the engine wants it: one regular history each, from the rollups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smartcity import declared
from smartcity.forecasting import engine
from smartcity.forecasting.series import Array, History, boundary
from smartcity.kernel.forecasts import Target
from smartcity.kernel.metrics import Total
from smartcity.telemetry import read
from smartcity.telemetry.buckets import Grain

COLUMNS = {Total.MEAN: "mean", Total.SUM: "total", Total.LAST: "last", Total.MAX: "high"}


def histories(target: Target, series: Sequence[int], now_ms: int) -> list[History]:
    """As far back as the engine looks, up to the last full step. One query."""
    end = boundary(now_ms, target.step_s)
    start = end - engine.memory_steps(target) * target.step_s * 1000
    values = grid(target, series, start, end)
    return [History(start, grain_s(target), row) for row in values]


def grid(target: Target, series: Sequence[int], from_ms: int, to_ms: int) -> Array:
    """`[series, steps]` in steps of the finest stored grain that divides the target's; NaN where nothing came."""
    metric = declared.metrics().get(target.metric)
    column = COLUMNS[metric.total] if metric else "mean"
    grain: Grain = "1h" if grain_s(target) == 3600 else "15m"
    wanted, found = read.grid(series, grain, from_ms, to_ms, column)
    steps = (to_ms - from_ms) // (grain_s(target) * 1000)
    values = np.full((len(series), steps), np.nan)
    values[:, (wanted - from_ms) // (grain_s(target) * 1000)] = found
    return values


def grain_s(target: Target) -> int:
    return 900 if target.step_s % 3600 else 3600
