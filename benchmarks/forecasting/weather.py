# SPDX-License-Identifier: Apache-2.0
"""What knowing the weather and the holidays is worth: a state's demand, the same engine without, with, and as it was
foreseen.

The columns of the temperature were chosen on windows before the middle of the data; `held_out` are those after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from benchmarks.forecasting.sets import hourly
from smartcity.forecasting import engine, scores
from smartcity.forecasting.beside import Beside, Holidays, Known, Temperature, Together, Vintage
from smartcity.forecasting.methods import suited
from smartcity.forecasting.series import Array, History
from smartcity.kernel.forecasts import Target, Tier

ORIGINS = 12
FIRST_WEEKS = 16
HOUR_MS = 3_600_000
EVERY_HOURS, KNOWN_HOURS, AHEAD_HOURS = 6, 58 * 24, 9 * 24
STRAY_K = 0.2  # per √hour: a random walk, 1.0 K a day ahead and 2.6 K a week ahead


@dataclass(frozen=True, slots=True)
class Found:
    """MASE `[origins, 2]` of one way: of the first 24 h and of the whole horizon."""

    each: Array

    @property
    def near(self) -> float:
        return float(self.each[:, 0].mean())

    @property
    def far(self) -> float:
        return float(self.each[:, 1].mean())

    @property
    def held_out(self) -> Found:
        return Found(self.each[len(self.each) // 2 :])


def errors(folder: Path, target: Target) -> dict[str, Found]:
    """By what was known of the temperature, from origins spread over two and a half years.

    `actual`: the one that came, as if forecast without error, an upper bound; `foreseen`: forecasts issued every six
    hours, made of what came and an error that grows with the lead (seeded), past hours by the newest of them.
    """
    frame = pd.read_parquet(folder / "energy_victoria_halfhourly.parquet")
    at = frame["ts_utc"].dt.tz_localize(None)
    demand, air = hourly(at, frame["demand_mw"]), hourly(at, frame["temp_c"])
    came = Vintage(0, air.start_ms, 3600, air.values)
    steps, horizon = len(demand.values), target.horizon_steps
    cuts = np.linspace(FIRST_WEEKS * 168, steps - horizon - 1, ORIGINS).astype(int).tolist()
    ways: dict[str, Callable[[int], Beside | None]] = {
        "without": lambda cut: None,
        "actual": lambda cut: _beside([came]),
        "foreseen": lambda cut: _beside(_issued(air, demand.start_ms + cut * HOUR_MS)),
    }
    return {
        name: Found(np.array([_errors(demand, cut, target, known(cut)) for cut in cuts]))
        for name, known in ways.items()
    }


def _beside(vintages: list[Vintage]) -> Beside:
    return Together((Temperature(Known(vintages)), Holidays("AU", ZoneInfo("Australia/Melbourne"), "VIC")))


def _issued(air: History, now_ms: int) -> list[Vintage]:
    """What a weather service would have said in the weeks up to now."""
    every_ms = EVERY_HOURS * HOUR_MS
    found = []
    for at_ms in range(now_ms - now_ms % every_ms - KNOWN_HOURS * HOUR_MS, now_ms + 1, every_ms):
        first = (at_ms - air.start_ms) // HOUR_MS
        values = air.values[first : first + AHEAD_HOURS]
        walk = np.random.default_rng([1, at_ms // every_ms]).normal(0, STRAY_K, AHEAD_HOURS).cumsum()
        found.append(Vintage(at_ms, at_ms, 3600, values + walk[: len(values)]))
    return found


def _errors(demand: History, cut: int, target: Target, beside: Beside | None) -> tuple[float, float]:
    past = History(demand.start_ms, demand.step_s, demand.values[:cut])
    told = engine.forecast(past, target, suited(Tier.LIGHT), past.end_ms, beside)
    scale = float(scores.seasonal_scale(past.values[None, -1_344:], 24)[0])
    away = np.abs(told.median - demand.values[cut : cut + target.horizon_steps])
    return float(np.nanmean(away[:24])) / scale, float(np.nanmean(away)) / scale
