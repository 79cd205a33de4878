# SPDX-License-Identifier: Apache-2.0
"""How much buildings use by hour and weekday, as a share of their peak. Estimates by building type, demo only."""

from __future__ import annotations

from random import Random

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DEFAULT_CHARGER_KW = 11.0
CAR_KWH = (8.0, 40.0)  # what a car wants when it arrives

# Share of peak per local hour, workday then weekend day. Shapes after public standard load profiles, smoothed by hand.
WORKDAY = {
    "office": (30, 29, 28, 28, 29, 33, 45, 65, 85, 95, 99, 100, 97, 99, 98, 94, 82, 65, 52, 44, 39, 36, 33, 31),
    "retail": (25, 24, 24, 24, 25, 28, 36, 50, 66, 82, 92, 97, 99, 100, 99, 98, 98, 96, 90, 78, 60, 42, 32, 27),
    "school": (22, 22, 21, 21, 22, 28, 45, 75, 98, 100, 99, 97, 90, 84, 72, 58, 45, 38, 33, 30, 27, 25, 23, 22),
    "housing": (45, 40, 37, 35, 36, 42, 58, 70, 66, 58, 54, 54, 56, 55, 54, 58, 70, 88, 98, 100, 95, 84, 70, 56),
}
WEEKEND = {
    "office": (28, 27, 27, 26, 26, 27, 28, 30, 33, 36, 38, 39, 39, 38, 37, 36, 34, 33, 32, 31, 30, 30, 29, 28),
    "retail": (24, 23, 23, 23, 23, 24, 27, 35, 50, 70, 86, 95, 98, 99, 97, 92, 82, 66, 50, 40, 33, 29, 27, 25),
    "school": (20, 20, 20, 20, 20, 20, 21, 22, 24, 25, 26, 26, 26, 26, 25, 24, 24, 23, 23, 22, 22, 21, 21, 20),
    "housing": (50, 45, 41, 38, 37, 38, 44, 54, 66, 74, 77, 78, 76, 73, 70, 71, 77, 88, 96, 98, 93, 83, 71, 59),
}


def load_share(use: str, hours: Array, weekdays: NDArray[np.int64]) -> Array:
    """Share of peak 0..1 at local hours (0..24) and weekdays (0 = Monday), linear between full hours."""
    days = {True: np.array(WEEKEND[use]) / 100, False: np.array(WORKDAY[use]) / 100}
    low = np.floor(hours).astype(int) % 24
    part = hours - np.floor(hours)
    at = {end: day[low] * (1 - part) + day[(low + 1) % 24] * part for end, day in days.items()}
    return np.asarray(np.where(weekdays >= 5, at[True], at[False]))


def cold_share(temperature_c: Array | float) -> Array | float:
    """Heating adds 1.2 % of the load for each degree below 12 °C (estimate)."""
    return 1.0 + 0.012 * np.maximum(0.0, 12.0 - np.asarray(temperature_c))


def pv_kw(peak_kw: float, irradiance: Array | float) -> Array | float:
    """Output of a plant of `peak_kw` at a global irradiance in W/m2; performance ratio 0.85."""
    return peak_kw * 0.85 * np.clip(np.asarray(irradiance) / 1000.0, 0.0, 1.1)


def arrivals_per_hour(hour: float, weekday: int) -> float:
    """Cars that come to a free charging point, by local hour; half as many at the weekend (estimate)."""
    busy = 0.35 if 7 <= hour < 10 else 0.25 if 16 <= hour < 19 else 0.08 if 6 <= hour < 23 else 0.02
    return busy * (0.5 if weekday >= 5 else 1.0)


def wear(uid: str, seed: int) -> float:
    """How much a building differs from its type."""
    return Random(f"wear/{seed}/{uid}").uniform(0.94, 1.06)
