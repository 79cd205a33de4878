# SPDX-License-Identifier: Apache-2.0
"""What was said a day or a week ago, as it was issued, beside what has come since."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smartcity.forecasting import past, read, scores
from smartcity.forecasting.forecast import Forecast
from smartcity.forecasting.series import Array, History, boundary, coarser
from smartcity.kernel.forecasts import Target

AGO_MS = {"day": 86_400_000, "week": 7 * 86_400_000}
SAME_TIME_MS = 6 * 3_600_000  # of old forecasts the first of every six hours is kept


@dataclass(frozen=True, slots=True)
class Said:
    """A forecast of then; `came[horizon]` is NaN where nothing was measured, or is still to come."""

    forecast: Forecast
    came: Array

    @property
    def measured(self) -> scores.Measured | None:
        """How it did so far; None while nothing of it has come."""
        nothing = np.full(len(self.came), np.nan)
        return scores.measure(self.forecast.values, self.forecast.levels, self.came, nothing)


def said(series_id: int, target: Target, ago: str, now_ms: int) -> Said | None:
    """The forecast that stood a `day` or a `week` ago; None where none of that time is kept."""
    then_ms = now_ms - AGO_MS[ago]
    found = read.as_issued(series_id, then_ms)
    if found is None or found.is_empty or found.issued_at_ms < then_ms - SAME_TIME_MS:
        return None
    return Said(found, came(series_id, target, found, now_ms))


def came(series_id: int, target: Target, forecast: Forecast, now_ms: int) -> Array:
    """What was measured in each step that is over by now, `[horizon]`, from the same rollups as its score."""
    end_ms = min(forecast.end_ms, boundary(now_ms, forecast.step_s))
    out = np.full(forecast.horizon_steps, np.nan)
    if forecast.step_s != target.step_s or end_ms <= forecast.start_ms:
        return out
    values = past.grid(target, [series_id], forecast.start_ms, end_ms)[0]
    known = coarser(History(forecast.start_ms, past.grain_s(target), values), target.step_s)
    steps = (end_ms - forecast.start_ms) // (forecast.step_s * 1000)
    out[:steps] = known.window(end_ms, steps) if len(known.values) else np.nan
    return out
