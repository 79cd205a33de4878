# SPDX-License-Identifier: Apache-2.0
"""What a figure usually is at this hour: the same hour of the city's day, over the weeks that rollups remember."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from smartcity.devices import time_zone
from smartcity.kernel.worth import Normal
from smartcity.telemetry import buckets, read
from smartcity.telemetry.arrays import Floats, Ints

DAYS: Final = 56
ENOUGH: Final = 7  # fewer days say nothing about how far a figure usually strays
PERCENTILES: Final = (10, 50, 90)


def of_hour(
    series: Sequence[int],
    now_ms: int,
    together: Callable[[Floats], Floats],
    *,
    column: str = "mean",
    zone: ZoneInfo | None = None,
) -> Normal | None:
    """The normal of a figure that `together` makes of many series. One query; it changes once an hour, so keep it.

    `together` is handed one row per series and one column per hour (NaN where nothing usable came) and answers one
    value per hour, NaN where the figure is not known. None where too few days are known.
    """
    here = zone or time_zone.city_zone()
    hours = same_hours(now_ms, here)
    grid = read.grid_at(series, "1h", hours, column)
    return band(hours, together(grid), now_ms, here) if len(series) else None


def same_hours(now_ms: int, zone: ZoneInfo, days: int = DAYS) -> Ints:
    """Starts of the UTC hours in which the city's clocks showed this time of day on the days before, oldest first."""
    local = datetime.fromtimestamp(now_ms / 1000, zone)
    before = [(local - timedelta(days=back)).timestamp() * 1000 for back in range(days, 0, -1)]
    return buckets.hour(np.array(before).astype(np.int64))


def band(hours: Ints, values: Floats, now_ms: int, zone: ZoneInfo) -> Normal | None:
    """From the days of the same kind (Monday to Friday, or the weekend) where those are enough, else from all."""
    is_known = ~np.isnan(values)
    is_weekend = _is_weekend(now_ms, zone)
    is_alike = is_known & np.array([_is_weekend(int(hour), zone) == is_weekend for hour in hours], bool)
    if is_alike.sum() >= ENOUGH:
        return _normal(values[is_alike], "days at weekends" if is_weekend else "working days")
    return _normal(values[is_known], "days") if is_known.sum() >= ENOUGH else None


def _normal(values: Floats, which: str) -> Normal:
    low, usual, high = (float(value) for value in np.percentile(values, PERCENTILES))
    return Normal(low, usual, high, f"this hour on {len(values)} {which}")


def _is_weekend(at_ms: int, zone: ZoneInfo) -> bool:
    return buckets.local_date(at_ms, zone).weekday() >= 5
