# SPDX-License-Identifier: Apache-2.0
"""How fast a container fills: a daily and weekly course, and a luck of the day that belongs to the container.

A function of the instant and the container alone, so that the weeks before and the lived day are one curve.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Instants = NDArray[np.int64]
DAY_MS = 86_400_000
LUCK_SIGMA = 0.3  # log-sd of the day, after the emptying records of Edinburgh (0.4 between emptyings)
LUCK_DAYS = 1024
EVENT_SHARE, EVENT_FACTOR, DRIFT = 0.025, 2.5, 0.25


def _course(peaks: tuple[tuple[float, float, float], ...], floor: float) -> Array:
    """Share of the daily mean by local hour, mean 1; peaks are (hour, width h, height)."""
    hours = np.arange(24) + 0.5
    total = np.full(24, floor)
    for at, width, height in peaks:
        gap = np.minimum(np.abs(hours - at), 24 - np.abs(hours - at))
        total = total + height * np.exp(-((gap / width) ** 2) / 2)
    return np.asarray(total / total.mean())


COURSES = {
    "street": _course(((13.0, 3.0, 1.0), (19.0, 3.0, 1.2)), 0.1),
    "home": _course(((8.0, 1.5, 1.0), (18.5, 2.5, 1.4)), 0.1),
}
WEEK = {
    "street": np.array([0.85, 0.85, 0.9, 0.95, 1.15, 1.3, 1.0]),
    "home": np.array([1.2, 0.95, 0.9, 0.9, 0.95, 1.1, 1.0]),
}
KINDS = tuple(COURSES)


def local(times_ms: Instants, zone: str) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """(hours since local midnight, weekday 0 = Monday, local days since 1970); one look-up per UTC hour."""
    by_hour, index = np.unique(times_ms // 3_600_000, return_inverse=True)
    tz = ZoneInfo(zone)
    offsets = [datetime.fromtimestamp(h * 3600, UTC).astimezone(tz).utcoffset() for h in by_hour.tolist()]
    shift = np.array([offset.total_seconds() * 1000 if offset else 0.0 for offset in offsets]).astype(np.int64)
    at = times_ms + shift[index]
    day = at // DAY_MS
    return (at % DAY_MS) / 3_600_000, (day + 3) % 7, day


def local_day(now_ms: int, zone: str) -> int:
    """Local days since 1970."""
    return int(local(np.array([now_ms], np.int64), zone)[2][0])


def luck(uid: str) -> Array:
    """Factor of each day, mean about 1, for LUCK_DAYS days that then begin again: the day's own luck, events on one
    day in 40, and a habit that drifts by a quarter within months, which no rota on paper follows.
    """
    dice = np.random.default_rng(crc32(f"waste/{uid}".encode()))
    day = np.exp(dice.normal(-(LUCK_SIGMA**2) / 2, LUCK_SIGMA, LUCK_DAYS))
    events = np.where(dice.random(LUCK_DAYS) < EVENT_SHARE, EVENT_FACTOR, 1.0)
    turns = dice.integers(6, 14)  # whole waves within LUCK_DAYS, so that the beginning meets the end
    habit = 1 + DRIFT * np.sin(2 * np.pi * (turns * np.arange(LUCK_DAYS) / LUCK_DAYS + dice.random()))
    return np.asarray(day * events * habit)


def share(kind: str, hours: Array, weekday: NDArray[np.int64]) -> Array:
    """How the hour compares with the container's mean rate."""
    return np.asarray(COURSES[kind][hours.astype(int) % 24] * WEEK[kind][weekday])


def increments(uid: str, kind: str, rate: float, times_ms: Instants, step_ms: int, zone: str) -> Array:
    """% of the volume that comes in during the step that ends at each instant; `rate` in % a day."""
    hours, weekday, day = local(times_ms - step_ms // 2, zone)
    return np.asarray(rate * share(kind, hours, weekday) * luck(uid)[day % LUCK_DAYS] * step_ms / DAY_MS)
