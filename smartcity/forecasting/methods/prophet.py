# SPDX-License-Identifier: Apache-2.0
"""Prophet, tuned as measured best on city series: few changepoints, and own daily shapes for workday, Saturday, Sunday.

Imported only in forecast workers; about 0.3 CPU seconds a series of 1,344 points.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from smartcity.forecasting import quantiles, seasons
from smartcity.forecasting.series import Array, Panel
from smartcity.kernel.forecasts import Target

DAY_S, WEEK_S = 86_400, 604_800
MOST_POINTS = 2_016
logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)  # it complains that plotly is not there
from prophet import Prophet  # noqa: E402

logging.getLogger("cmdstanpy").setLevel(logging.WARNING)
logging.getLogger("prophet").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Model:
    """One fitted Prophet per series with the residuals `[n, T]` it left; Prophet's own band is not calibrated."""

    panel: Panel
    season: int
    fitted: tuple[Any, ...]
    residuals: Array


def fit(panel: Panel, target: Target) -> Model:
    periods = seasons.supported(target.seasons_steps, panel.steps)
    frame = _calendar(panel, 0, panel.steps)
    fitted, residuals = [], np.full(panel.values.shape, np.nan)
    for row, values in enumerate(panel.values):
        known = frame.assign(y=values)[np.isfinite(values)]
        model = _prophet([period * panel.step_s for period in periods])
        model.fit(known.iloc[:: max(len(known) // MOST_POINTS, 1)])
        residuals[row] = values - model.predict(frame)["yhat"].to_numpy()
        fitted.append(model)
    return Model(panel, periods[0] if periods else 1, tuple(fitted), residuals)


def predict(model: Model, horizon_steps: int, levels: Sequence[float]) -> Array:
    frame = _calendar(model.panel, model.panel.steps, horizon_steps)
    point = np.stack([one.predict(frame)["yhat"].to_numpy() for one in model.fitted])
    past, spread = seasons.phase_spread(model.residuals, model.season, horizon=horizon_steps)
    shape = quantiles.row_quantiles(model.residuals / past, levels)
    return np.asarray(point[:, None, :] + shape[:, :, None] * spread[:, None, :])


def _prophet(periods_s: list[int]) -> Prophet:
    model = Prophet(
        growth="linear",
        n_changepoints=8,
        changepoint_prior_scale=0.02,
        yearly_seasonality=False,
        weekly_seasonality=WEEK_S in periods_s,
        daily_seasonality=False,
        uncertainty_samples=0,
    )
    for period in periods_s:
        if period == DAY_S and WEEK_S in periods_s:
            for day in ("workday", "saturday", "sunday"):
                model.add_seasonality(f"daily_{day}", period=1, fourier_order=8, condition_name=day)
        elif period != WEEK_S:
            model.add_seasonality(f"every_{period}_s", period=period / DAY_S, fourier_order=8)
    return model


def _calendar(panel: Panel, first: int, steps: int) -> pd.DataFrame:
    step_ms = panel.step_s * 1000
    at = pd.to_datetime(panel.start_ms + (first + np.arange(steps)) * step_ms, unit="ms")
    weekday = at.weekday
    return pd.DataFrame({"ds": at, "workday": weekday < 5, "saturday": weekday == 5, "sunday": weekday == 6})
