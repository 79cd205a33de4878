# SPDX-License-Identifier: Apache-2.0
"""Small series for forecast tests: 24 steps a day, 168 a week, hourly."""

from __future__ import annotations

import numpy as np

from smartcity.forecasting.series import Array, History, Panel
from smartcity.kernel.forecasts import Target

HOUR_MS = 3_600_000
NOW = 473_040 * HOUR_MS + 600_000
TARGET = Target(metric="test.flow", step_s=3600, horizon_steps=24, seasons_steps=(24, 168), low=0.0, high=5_000.0)


def daily(days: int, *, noise: float = 0.0, seed: int = 1) -> Array:
    """A city's day: 100 ± 60, quieter at weekends."""
    hour = np.arange(days * 24)
    shape = 100 + 60 * np.sin(2 * np.pi * hour / 24) - 30 * ((hour // 24) % 7 >= 5)
    return np.asarray(shape + np.random.default_rng(seed).normal(0, noise, len(hour)) if noise else shape)


def ending_now(values: Array) -> History:
    end = NOW - NOW % HOUR_MS
    return History(end - len(values) * HOUR_MS, 3600, np.asarray(values, dtype=np.float64))


def rows(*values: Array) -> Panel:
    return Panel(0, 3600, np.stack(values).astype(np.float64))
