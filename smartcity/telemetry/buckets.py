# SPDX-License-Identifier: Apache-2.0
"""Which bucket an instant falls in: quarters and hours are UTC, days are the city's own, of 23 to 25 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np

from smartcity.telemetry.arrays import Ints

Grain = Literal["15m", "1h", "1d"]

QUARTER_MS: Final = 900_000
HOUR_MS: Final = 3_600_000
UTC_DAY_MS: Final = 86_400_000


def quarter(at: Ints) -> Ints:
    """Start of the quarter of an hour each instant falls in."""
    return at - at % QUARTER_MS


def hour(at: Ints) -> Ints:
    """Start of the UTC hour each instant falls in."""
    return at - at % HOUR_MS


def day(at: Ints, zone: ZoneInfo) -> Ints:
    """Start (an instant) of the local day each instant falls in."""
    if not len(at):
        return at
    starts = day_starts(int(at.min()), int(at.max()), zone)
    return starts[np.searchsorted(starts, at, side="right") - 1]


def floor(at: Ints, grain: Grain, zone: ZoneInfo) -> Ints:
    match grain:
        case "15m":
            return quarter(at)
        case "1h":
            return hour(at)
        case "1d":
            return day(at, zone)


def end(bucket: int, grain: Grain, zone: ZoneInfo) -> int:
    """The first instant after a bucket."""
    match grain:
        case "15m":
            return bucket + QUARTER_MS
        case "1h":
            return bucket + HOUR_MS
        case "1d":
            return midnight(local_date(bucket, zone) + timedelta(days=1), zone)


def starts(from_ms: int, to_ms: int, grain: Grain, zone: ZoneInfo) -> Ints:
    """Starts of every bucket that begins in [from_ms, to_ms)."""
    if to_ms <= from_ms:
        return np.empty(0, np.int64)
    if grain == "1d":
        days = day_starts(from_ms, to_ms, zone)
        return days[(days >= from_ms) & (days < to_ms)]
    step = QUARTER_MS if grain == "15m" else HOUR_MS
    return np.arange(-(-from_ms // step) * step, to_ms, step, dtype=np.int64)


def day_starts(from_ms: int, to_ms: int, zone: ZoneInfo) -> Ints:
    """Local midnights from the one at or before `from_ms` to the first after `to_ms`."""
    first, last = local_date(from_ms, zone), local_date(to_ms, zone)
    days = [midnight(first + timedelta(days=n), zone) for n in range((last - first).days + 2)]
    return np.array(days, np.int64)


def local_date(at_ms: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).date()


@lru_cache(maxsize=4096)
def midnight(of: date, zone: ZoneInfo) -> int:
    """The instant a local day begins; where clocks jump over midnight, the instant of the jump."""
    return int(datetime(of.year, of.month, of.day, tzinfo=zone).timestamp()) * 1000
