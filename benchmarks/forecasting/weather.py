# SPDX-License-Identifier: Apache-2.0
"""What knowing the temperature and the holidays is worth: a state's demand, the same engine with and without."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from benchmarks.forecasting.sets import hourly
from smartcity.forecasting import engine, scores
from smartcity.forecasting.beside import Beside, Holidays, Known, Temperature, Together, Vintage
from smartcity.forecasting.methods import suited
from smartcity.forecasting.series import History
from smartcity.kernel.forecasts import Target, Tier

ORIGINS = 12
FIRST_WEEKS = 16


def errors(folder: Path, target: Target) -> dict[str, tuple[float, float]]:
    """MASE at 24 h and at the whole horizon, without and with, over origins spread over two and a half years.

    The temperature is the one that came, as if forecast without error: an upper bound, as in what it is compared with.
    """
    frame = pd.read_parquet(folder / "energy_victoria_halfhourly.parquet")
    at = frame["ts_utc"].dt.tz_localize(None)
    demand, air = hourly(at, frame["demand_mw"]), hourly(at, frame["temp_c"])
    came = Vintage(0, air.start_ms, 3600, air.values)
    beside = Together((Temperature(Known([came])), Holidays("AU", ZoneInfo("Australia/Melbourne"), "VIC")))
    steps, horizon = len(demand.values), target.horizon_steps
    cuts = np.linspace(FIRST_WEEKS * 168, steps - horizon - 1, ORIGINS).astype(int)
    return {
        name: tuple(np.mean([_errors(demand, int(cut), target, known) for cut in cuts], axis=0).tolist())
        for name, known in (("without", None), ("with", beside))
    }


def _errors(demand: History, cut: int, target: Target, beside: Beside | None) -> tuple[float, float]:
    past = History(demand.start_ms, demand.step_s, demand.values[:cut])
    told = engine.forecast(past, target, suited(Tier.LIGHT), past.end_ms, beside)
    scale = float(scores.seasonal_scale(past.values[None, -1_344:], 24)[0])
    away = np.abs(told.median - demand.values[cut : cut + target.horizon_steps])
    return float(np.nanmean(away[:24])) / scale, float(np.nanmean(away)) / scale
