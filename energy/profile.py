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
    "hospital": (58, 56, 55, 55, 57, 64, 76, 88, 96, 100, 100, 99, 97, 96, 94, 90, 85, 81, 78, 75, 71, 67, 63, 60),
    "culture": (22, 21, 21, 21, 21, 23, 28, 38, 55, 72, 84, 90, 93, 96, 98, 100, 99, 97, 92, 84, 70, 48, 32, 25),
    "sports": (24, 23, 23, 23, 25, 34, 52, 66, 70, 70, 70, 72, 72, 72, 76, 84, 92, 98, 100, 98, 90, 70, 42, 28),
    "depot": (40, 38, 36, 36, 44, 66, 88, 96, 92, 88, 86, 84, 80, 84, 88, 90, 84, 72, 62, 56, 52, 48, 45, 42),
    "housing": (45, 40, 37, 35, 36, 42, 58, 70, 66, 58, 54, 54, 56, 55, 54, 58, 70, 88, 98, 100, 95, 84, 70, 56),
}
WEEKEND = {
    "office": (28, 27, 27, 26, 26, 27, 28, 30, 33, 36, 38, 39, 39, 38, 37, 36, 34, 33, 32, 31, 30, 30, 29, 28),
    "retail": (24, 23, 23, 23, 23, 24, 27, 35, 50, 70, 86, 95, 98, 99, 97, 92, 82, 66, 50, 40, 33, 29, 27, 25),
    "school": (20, 20, 20, 20, 20, 20, 21, 22, 24, 25, 26, 26, 26, 26, 25, 24, 24, 23, 23, 22, 22, 21, 21, 20),
    "hospital": (55, 54, 53, 53, 54, 58, 65, 73, 79, 83, 84, 84, 83, 81, 79, 77, 75, 74, 72, 70, 67, 64, 60, 57),
    "culture": (22, 21, 21, 21, 21, 22, 25, 32, 46, 66, 84, 95, 100, 100, 99, 98, 95, 86, 68, 50, 40, 32, 27, 24),
    "sports": (25, 24, 24, 24, 24, 28, 38, 55, 78, 94, 100, 99, 96, 94, 94, 94, 92, 86, 76, 62, 48, 36, 30, 27),
    "depot": (32, 31, 30, 30, 32, 38, 44, 47, 47, 46, 45, 44, 43, 43, 43, 42, 41, 40, 38, 37, 36, 35, 34, 33),
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
