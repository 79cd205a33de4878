# SPDX-License-Identifier: Apache-2.0
"""What a figure usually is at this hour: the same hour of the city's day, over the weeks that rollups remember.

A public holiday, where SMARTCITY_HOLIDAYS says whose, counts as a day at the weekend.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings

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
    return band(hours, together(grid), now_ms, here, _holidays(now_ms, here)) if len(series) else None


def same_hours(now_ms: int, zone: ZoneInfo, days: int = DAYS) -> Ints:
    """Starts of the UTC hours in which the city's clocks showed this time of day on the days before, oldest first."""
    local = datetime.fromtimestamp(now_ms / 1000, zone)
    before = [(local - timedelta(days=back)).timestamp() * 1000 for back in range(days, 0, -1)]
    return buckets.hour(np.array(before).astype(np.int64))


def band(
    hours: Ints, values: Floats, now_ms: int, zone: ZoneInfo, holidays: Collection[date] = ()
) -> Normal | None:  # fmt: skip
    """From the days of the same kind (working days, or those off) where those are enough, else from all."""
    is_known = ~np.isnan(values)
    is_off = _is_off(now_ms, zone, holidays)
    is_alike = is_known & np.array([_is_off(int(hour), zone, holidays) == is_off for hour in hours], bool)
    if is_alike.sum() >= ENOUGH:
        off = "days at weekends or public holidays" if holidays else "days at weekends"
        return _normal(values[is_alike], off if is_off else "working days")
    return _normal(values[is_known], "days") if is_known.sum() >= ENOUGH else None


def _normal(values: Floats, which: str) -> Normal:
    low, usual, high = (float(value) for value in np.percentile(values, PERCENTILES))
    return Normal(low, usual, high, f"this hour on {len(values)} {which}")


def _is_off(at_ms: int, zone: ZoneInfo, holidays: Collection[date]) -> bool:
    day = buckets.local_date(at_ms, zone)
    return day.weekday() >= 5 or day in holidays


def _holidays(now_ms: int, zone: ZoneInfo) -> frozenset[date]:
    """Those of this year and the last, by the city's calendar."""
    return _of_years(settings.HOLIDAYS, buckets.local_date(now_ms, zone).year)


@lru_cache(maxsize=4)
def _of_years(where: str, year: int) -> frozenset[date]:
    if not where:
        return frozenset()
    import holidays  # only where it is set

    country, _, region = where.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=region or None, years=(year - 1, year)))
