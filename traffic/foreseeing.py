# SPDX-License-Identifier: Apache-2.0
"""What the next hour brings on each approach: reads today and the usual day, and lets `nowcast` say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smartcity.devices.models import Series
from smartcity.devices.time_zone import city_zone
from smartcity.telemetry import normal, read
from traffic.metrics import METRICS
from traffic.nowcast import STEP_S, STEPS, Nowcast, nowcast
from traffic.service import SLOWEST_KMH

Floats = NDArray[np.float64]
STEP_MS: Final = STEP_S * 1000
QUARTER_MS: Final = 900_000
PAST: Final = 48  # four hours
DAYS, ENOUGH = 28, 2
FORESEEN: Final = ("traffic.flow", "traffic.queue", "traffic.speed")
HIGH = {metric.name: metric.high for metric in METRICS}


@dataclass(frozen=True, slots=True)
class Hour:
    """The next hour of one approach by metric; None where too little is known. Steps begin at `start_ms`."""

    start_ms: int
    by_metric: Mapping[str, Nowcast | None]

    def travel_s(self, length_m: float) -> tuple[Floats, Floats, Floats] | None:
        """Value, low and high: the section at the speed foreseen; its fast end is the short time."""
        speed = self.by_metric.get("traffic.speed")
        if speed is None:
            return None

        def over(kmh: Floats) -> Floats:
            return np.asarray(length_m / np.maximum(kmh, SLOWEST_KMH) * 3.6)

        return over(speed.values), over(speed.high), over(speed.low)


def hours(approaches: Sequence[str], now_ms: int) -> dict[str, Hour]:
    """By uid of approach. Three queries."""
    rows = Series.objects.filter(
        device__asset__uid__in=approaches, device__retired_at=None, metric__in=FORESEEN
    ).values_list("device__asset__uid", "metric", "pk")
    keys = [(uid, metric, pk) for uid, metric, pk in rows]
    start = now_ms // STEP_MS * STEP_MS
    ids = [pk for *_, pk in keys]
    past, usual = today(ids, start), usual_day(ids, start)
    found: dict[str, dict[str, Nowcast | None]] = {uid: dict.fromkeys(FORESEEN) for uid in approaches}
    for place, (uid, metric, _) in enumerate(keys):
        found[uid][metric] = nowcast(past[place], usual[place], high=HIGH[metric])
    return {uid: Hour(start, by_metric) for uid, by_metric in found.items()}


def today(series: Sequence[int], until_ms: int) -> Floats:
    """[series, step]: means of the PAST steps before `until_ms`, NaN where nothing usable came."""
    ids, at, values, quality = read.raw(series, until_ms - PAST * STEP_MS, until_ms)
    usable = quality < 10
    place = {pk: row for row, pk in enumerate(series)}
    rows = np.array([place[pk] for pk in ids[usable].tolist()], np.int64)
    steps = (at[usable] - (until_ms - PAST * STEP_MS)) // STEP_MS
    total, count = np.zeros((len(series), PAST)), np.zeros((len(series), PAST))
    np.add.at(total, (rows, steps), values[usable])
    np.add.at(count, (rows, steps), 1.0)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def usual_day(series: Sequence[int], start_ms: int) -> Floats:
    """[series, PAST + STEPS]: mean of the same minutes on the days of the same kind within four weeks."""
    zone = city_zone()
    steps = start_ms + np.arange(-PAST, STEPS) * STEP_MS
    shifts = normal.same_hours(start_ms, zone, DAYS) - start_ms // 3_600_000 * 3_600_000
    kind = datetime.fromtimestamp(start_ms / 1000, zone).weekday() >= 5
    shifts = np.array(
        [s for s in shifts.tolist() if (datetime.fromtimestamp((start_ms + s) / 1000, zone).weekday() >= 5) == kind],
        np.int64,
    )
    first = steps[0] // QUARTER_MS * QUARTER_MS - QUARTER_MS
    quarters = np.arange(first, steps[-1] + 2 * QUARTER_MS, QUARTER_MS)
    wanted = np.unique((quarters[None, :] + shifts[:, None]).ravel())
    grid = read.grid_at(series, "15m", wanted)
    found = np.full((len(series), len(quarters)), np.nan)
    for column, quarter in enumerate(quarters.tolist()):
        days = grid[:, np.searchsorted(wanted, quarter + shifts)]
        known = ~np.isnan(days)
        mean = np.nansum(days, axis=1) / np.maximum(1, known.sum(axis=1))
        found[:, column] = np.where(known.sum(axis=1) >= ENOUGH, mean, np.nan)
    middles = quarters + QUARTER_MS / 2
    return np.array([_between(steps + STEP_MS / 2, middles, row) for row in found]).reshape(len(series), len(steps))


def _between(at: NDArray[Any], middles: NDArray[Any], row: Floats) -> Floats:
    """Values between the middles of quarters; NaN where a neighbour is not known."""
    return np.asarray(np.interp(at, middles, row), np.float64)
