# SPDX-License-Identifier: Apache-2.0
"""Everything that parts, chances and what-if need to know of one series, read in a few queries.

Light enough for a web process: the ridge of parts.py only, never Prophet or statsmodels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smartcity.devices.models import Series
from smartcity.forecasting import chances, city_beside, engine, past, read
from smartcity.forecasting.clean import clean
from smartcity.forecasting.forecast import Forecast
from smartcity.forecasting.models import IssuedForecast
from smartcity.forecasting.packing import unpack
from smartcity.forecasting.series import Array, History, Panel, coarser
from smartcity.kernel.forecasts import Target

JUDGED = 28  # forecasts whose ranks say how errors go together
DAY_MS = 86_400_000


class Silent(Exception):
    """Nothing can be said of this series; the message says why."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The forecast in force of a series that is foreseen."""

    target: Target
    forecast: Forecast


def in_force(series: Series) -> InForce:
    """One query. Raises Silent."""
    target = read.target_of(series)
    if target is None:
        raise Silent(read.NOT_FORESEEN)
    forecast = read.newest(series.pk)
    if forecast is None:
        raise Silent("No forecast has been issued yet.")
    if forecast.is_empty:
        raise Silent(forecast.note)
    return InForce(target, forecast)


def known(series_id: int, found: InForce) -> Panel:
    """What the forecast was made from: the cleaned past of the one series, with what stands beside it."""
    target, end_ms = found.target, found.forecast.start_ms
    steps = engine.memory_steps(target)
    start_ms = end_ms - steps * target.step_s * 1000
    values = past.grid(target, [series_id], start_ms, end_ms)[0]
    history = coarser(History(start_ms, past.grain_s(target), values), target.step_s)
    beside = city_beside.of_one(series_id, target, found.forecast.issued_at_ms)
    panel = Panel(start_ms, target.step_s, history.window(end_ms, steps)[None], beside)
    return clean(panel, target)[0]


def coming_day(forecast: Forecast, now_ms: int) -> slice:
    """The steps that are not over and begin within a day."""
    at = np.asarray(forecast.instants_ms)
    ahead = np.flatnonzero((at + forecast.step_s * 1000 > now_ms) & (at < now_ms + DAY_MS))
    return slice(int(ahead[0]), int(ahead[-1]) + 1) if len(ahead) else slice(0, 0)


def persistence(series_id: int, target: Target) -> tuple[float, int]:
    """How the errors of neighbouring steps go together, and of how many forecasts that is known (0: assumed)."""
    rows = IssuedForecast.objects.filter(series_id=series_id, is_scored=True, step_s=target.step_s)
    forecasts = [unpack(row) for row in rows.order_by("-issued_at")[:JUDGED] if len(row.values)]
    ranks = _ranks(series_id, target, forecasts) if forecasts else []
    learnt = chances.learnt_persistence(ranks)
    return (chances.persistence(target.step_s), 0) if learnt is None else (learnt, len(ranks))


def _ranks(series_id: int, target: Target, forecasts: list[Forecast]) -> list[Array]:
    start_ms, end_ms = min(one.start_ms for one in forecasts), max(one.end_ms for one in forecasts)
    values = past.grid(target, [series_id], start_ms, end_ms)[0]
    actuals = coarser(History(start_ms, past.grain_s(target), values), target.step_s)
    return [chances.below(one.values, one.levels, actuals.window(one.end_ms, one.horizon_steps)) for one in forecasts]
