# SPDX-License-Identifier: Apache-2.0
"""What energy costs by hour, and its carbon. Demo figures; a city enters each connection point's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# EUR/kWh by local hour, capacity charge in EUR per kW of the month's peak, grams CO2 per kWh by local hour.
TARIFF: Mapping[str, Any] = {
    "night": 0.09,
    "day": 0.15,
    "peak": 0.23,
    "peak_hours": [8, 9, 10, 17, 18, 19, 20],
    "night_hours": [22, 23, 0, 1, 2, 3, 4, 5],
    "capacity": 4.5,
    "carbon_day": 140.0,
    "carbon_night": 80.0,
}

SMALL_KW = 50.0
# Small connections pay by energy alone; lamps burn at night, under terms of their own.
SMALL = {**TARIFF, "night": 0.16, "day": 0.19, "peak": 0.24, "capacity": 0.0}
LIGHTING = {**TARIFF, "night": 0.11, "day": 0.14, "peak": 0.14, "capacity": 1.2}


def usual(use: str, contracted_kw: float) -> Mapping[str, Any]:
    """The terms such a connection point usually has, for the demo."""
    return LIGHTING if use == "lighting" else SMALL if contracted_kw < SMALL_KW else TARIFF


def of(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The terms in a connection point's engineering data (`tariff`); what they do not say is as usual."""
    own = data.get("tariff")
    return {**TARIFF, **own} if isinstance(own, Mapping) else TARIFF


def price(tariff: Mapping[str, Any], hours: Array) -> Array:
    """EUR/kWh at local hours."""
    whole = np.floor(hours).astype(int) % 24
    found = np.full(len(hours), float(tariff["day"]))
    found[np.isin(whole, tariff["peak_hours"])] = float(tariff["peak"])
    found[np.isin(whole, tariff["night_hours"])] = float(tariff["night"])
    return found


def carbon(tariff: Mapping[str, Any], hours: Array) -> Array:
    """Grams of CO2 per kWh at local hours."""
    night = np.isin(np.floor(hours).astype(int) % 24, tariff["night_hours"])
    return np.where(night, float(tariff["carbon_night"]), float(tariff["carbon_day"]))
