# SPDX-License-Identifier: Apache-2.0
"""How much traffic there is at which hour: one shape for the live street and for its history, so the seam is flat."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Share of the weekday peak at each full hour (German HBS 2015 type of an inner-city main road, double peak).
WEEKDAY = (12, 8, 6, 6, 9, 22, 48, 80, 92, 78, 70, 70, 73, 74, 78, 90, 100, 96, 78, 60, 46, 38, 30, 20)
SATURDAY = (22, 17, 13, 10, 9, 11, 16, 26, 40, 54, 66, 74, 78, 78, 76, 74, 72, 68, 62, 54, 46, 42, 38, 32)
SUNDAY = (26, 20, 15, 11, 9, 9, 11, 16, 24, 34, 46, 54, 60, 64, 66, 66, 64, 62, 56, 48, 40, 34, 26, 18)
_WEEK = np.array([WEEKDAY] * 5 + [SATURDAY, SUNDAY], dtype=float).ravel() / 100


def share_of_peak(hours: ArrayLike, weekday: ArrayLike) -> NDArray[np.float64]:
    """0..1 for local hours since midnight and weekdays (0 = Monday); linear between full hours, across midnight too."""
    position = (np.asarray(weekday) * 24 + np.asarray(hours, dtype=float)) % 168
    below = np.floor(position).astype(int) % 168
    part = position - np.floor(position)
    return np.asarray(_WEEK[below] * (1 - part) + _WEEK[(below + 1) % 168] * part)


def local_times(times_ms: NDArray[np.int64], zone: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Hours since local midnight and weekdays (0 = Monday) of many instants; one look at the zone per UTC hour."""
    by_hour, index = np.unique(np.asarray(times_ms) // 3_600_000, return_inverse=True)
    tz = ZoneInfo(zone)
    offsets = [datetime.fromtimestamp(hour * 3600, UTC).astimezone(tz).utcoffset() for hour in by_hour.tolist()]
    shift = np.array([offset.total_seconds() * 1000 if offset else 0.0 for offset in offsets])
    local = np.asarray(times_ms) + shift[index]
    return local % 86_400_000 / 3_600_000, ((local // 86_400_000 + 3) % 7).astype(np.int64)
