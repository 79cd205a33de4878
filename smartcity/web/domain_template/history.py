# SPDX-License-Identifier: Apache-2.0
"""Weeks of beds on their own programme, as they were before the loop."""

from __future__ import annotations

from datetime import UTC, datetime
from math import pi, sin
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from smartcity.kernel.street import StreetDevice

from .soil import after, programme_runs

Array = NDArray[np.float64]


def profile(asset: StreetDevice, metric: str, times_ms: NDArray[np.int64], rng: np.random.Generator) -> Array | None:
    """Values of one metric at `times_ms`; the flow follows the programme, the moisture what it leaves."""
    hours = local_hours(times_ms, str(asset.twin.get("zone", "UTC")))
    programme = asset.engineering.get("programme", {})
    runs = np.array([programme_runs(hour, programme.get("hour", 5), programme.get("minutes", 20)) for hour in hours])
    if metric == "newdomain.flow":
        flow: Array = np.where(runs, float(asset.fields.get("flow_l_min", 40.0)), 0.0)
        return flow
    if metric != "newdomain.moisture":
        return None
    step_h = float(np.diff(times_ms[:2])[0]) / 3_600_000 if len(times_ms) > 1 else 0.25
    found, moisture = np.empty(len(times_ms)), 40.0
    for i, (hour, is_on) in enumerate(zip(hours, runs, strict=True)):
        moisture = after(moisture, step_h, max(0.0, sin(pi * (hour - 6) / 12)), float(is_on))
        found[i] = moisture
    return np.asarray(np.clip(found + rng.normal(0, 0.3, len(found)), 0, 100).round(1))


def local_hours(times_ms: NDArray[np.int64], zone: str) -> Array:
    """Hours since local midnight."""
    local = [datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone)) for at in times_ms.tolist()]
    return np.array([at.hour + at.minute / 60 for at in local])
