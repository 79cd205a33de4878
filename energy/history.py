# SPDX-License-Identifier: Apache-2.0
"""Eight weeks of the portfolio without control: buildings by use and weather, roofs by a clear-sky sun and clouds."""

from __future__ import annotations

from datetime import UTC, datetime
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from energy.profile import load_share
from smartcity.kernel.street import StreetDevice

Array = NDArray[np.float64]


def profile(asset: StreetDevice, metric: str, times_ms: NDArray[np.int64], rng: np.random.Generator) -> Array | None:
    """Values of one metric at `times_ms`; None for what has no history (batteries and chargers begin with the demo)."""
    if metric in {"energy.load_kw", "energy.import_kw"}:
        same = np.random.default_rng(crc32(asset.uid.encode()))
        return building_kw(asset, times_ms, same)
    if metric == "energy.generation_kw":
        return _pv(asset, times_ms)
    return None


def building_kw(asset: StreetDevice, times_ms: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Share of peak by use x slow day-to-day drift x noise."""
    hours, weekdays = local(times_ms, str(asset.twin.get("zone", "UTC")))
    share = load_share(str(asset.fields.get("use", "office")), hours, weekdays)
    days = (times_ms - times_ms[0]) // 86_400_000
    drift = 1 + 0.05 * rng.standard_normal(int(days[-1]) + 1)[days]
    noise = 1 + 0.03 * rng.standard_normal(len(times_ms))
    return np.asarray(np.round(np.maximum(0.1, float(asset.fields.get("peak_kw", 50)) * share * drift * noise), 2))


def _pv(asset: StreetDevice, times_ms: NDArray[np.int64]) -> Array:
    """Clear-sky output by solar elevation x one cloud factor a day for the whole city."""
    high = np.sin(np.radians(np.maximum(0.0, elevation(asset.lat, asset.lon, times_ms))))
    days = times_ms // 86_400_000
    cloud = {day: np.random.default_rng(day).beta(1.2, 1.6) for day in np.unique(days).tolist()}
    clear = np.array([cloud[day] for day in days.tolist()])
    return np.asarray(np.round(float(asset.fields.get("peak_kw", 20)) * 0.85 * high**1.15 * (0.15 + 0.85 * clear), 2))


def elevation(lat: float, lon: float, times_ms: NDArray[np.int64]) -> Array:
    """Solar elevation in degrees; declination and hour angle without the equation of time, within about 3 degrees."""
    seconds = times_ms / 1000.0
    day = (seconds / 86400.0) % 365.25
    declination = np.radians(-23.44 * np.cos(2 * np.pi * (day + 10) / 365.25))
    angle = np.radians(((seconds % 86400.0) / 3600.0 - 12.0) * 15.0 + lon)
    phi = np.radians(lat)
    sine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle)
    return np.asarray(np.degrees(np.arcsin(sine)))


def local(times_ms: NDArray[np.int64], zone: str) -> tuple[Array, NDArray[np.int64]]:
    """Local hours 0..24 and weekdays (0 = Monday); the offset is looked up once per UTC hour."""
    by_hour, index = np.unique(times_ms // 3_600_000, return_inverse=True)
    tz = ZoneInfo(zone)
    offsets = [datetime.fromtimestamp(h * 3600, UTC).astimezone(tz).utcoffset() for h in by_hour.tolist()]
    shift = np.array([offset.total_seconds() * 1000 if offset else 0.0 for offset in offsets])
    there = times_ms + shift[index]
    weekdays = ((there // 86_400_000) + 3) % 7  # 1 January 1970 was a Thursday
    return np.asarray((there % 86_400_000) / 3_600_000), weekdays.astype(np.int64)
