# SPDX-License-Identifier: Apache-2.0
"""Eight weeks of containers under the fixed rota, as they were before the loop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from smartcity.kernel.street import StreetDevice
from waste import codecs, inflow, level, rota
from waste.inflow import DAY_MS, Array

STEP_MS = 900_000
RUN_UP_DAYS = 15
BATTERY_DAYS = 7 * 365
MEASURED = ("waste.fill_level", "waste.distance", "waste.temperature", "waste.battery")
_fills: dict[tuple[str, int, int], Array] = {}


def profile(asset: StreetDevice, metric: str, times_ms: NDArray[np.int64], rng: np.random.Generator) -> Array | None:
    """Values at `times_ms` (every other quarter, as the sensors report); None for what has no past."""
    if asset.kind != "container" or metric not in MEASURED or not len(times_ms):
        return None
    spoken = np.where((times_ms // STEP_MS) % 2 == crc32(asset.uid.encode()) % 2, 1.0, np.nan)
    if metric == "waste.battery":
        return spoken * np.round(battery(asset, times_ms))
    if metric == "waste.temperature":
        hours, _, _ = inflow.local(times_ms, zone(asset))
        return np.asarray(
            spoken * np.round(6 + 3 * np.sin((hours - 9) * np.pi / 12) + rng.normal(0, 0.4, len(hours)), 1)
        )
    fill = np.minimum(level.FULL, filled(asset, times_ms))
    if metric == "waste.fill_level":
        return np.asarray(spoken * np.round(np.clip(fill + rng.normal(0, 0.5, len(fill)), 0, level.FULL), 1))
    empty, full = (float(asset.fields.get(name, other)) for name, other in (("empty_mm", 1400.0), ("full_mm", 250.0)))
    return np.asarray(spoken * np.round(empty - fill / level.FULL * (empty - full)))


def write(asset: StreetDevice, at_ms: int, values: Mapping[str, float]) -> bytes:
    """The payload of a sensor that does not speak the house format."""
    del asset
    return codecs.write_em400(values, datetime.fromtimestamp(at_ms / 1000, UTC).isoformat())


def zone(asset: StreetDevice) -> str:
    return str(asset.twin.get("zone", "UTC"))


def battery(asset: StreetDevice, times_ms: NDArray[np.int64]) -> Array:
    """Charge in %: exchanged every seven years at 25 %, each sensor somewhere on its way; a few were forgotten."""
    if crc32(f"worn/{asset.uid}".encode()) % 40 == 0:
        return np.full(len(times_ms), 8.0)
    age_days = times_ms / DAY_MS + crc32(f"battery/{asset.uid}".encode()) % BATTERY_DAYS
    return np.asarray(100.0 - 75.0 * (age_days % BATTERY_DAYS) / BATTERY_DAYS)


def filled(asset: StreetDevice, times_ms: NDArray[np.int64]) -> Array:
    """Fill in % (beyond 100 = beside the container) when only the fixed rota called, from 15 days earlier on.

    `times_ms` are evenly spaced; the curve depends on the instant only, not on where the span begins.
    """
    key = (asset.uid, int(times_ms[0]), len(times_ms))
    if key not in _fills:
        _fills.clear()
        _fills[key] = _filled(asset, times_ms)
    return _fills[key]


def _filled(asset: StreetDevice, times_ms: NDArray[np.int64]) -> Array:
    step = int(times_ms[1] - times_ms[0]) if len(times_ms) > 1 else STEP_MS
    before = RUN_UP_DAYS * DAY_MS // step
    grid = np.concatenate([times_ms[0] - step * np.arange(before, 0, -1), times_ms])
    twin = asset.twin
    come = inflow.increments(asset.uid, str(twin["course"]), float(twin["rate"]), grid, step, zone(asset))
    total = np.cumsum(come)
    hours, _, day = inflow.local(grid, zone(asset))
    calls = rota.is_due(day, int(asset.fields["rota_every_days"]), int(asset.fields["rota_phase"]))
    hour = float(twin["rota_hour"])
    visited = np.asarray(calls) & (hours >= hour) & (hours < hour + step / 3_600_000)
    last = np.maximum.accumulate(np.where(visited, np.arange(len(grid)), 0))
    return np.asarray((total - total[last] + 1.0)[before:])
