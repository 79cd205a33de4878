# SPDX-License-Identifier: Apache-2.0
"""Eight weeks of lamps on their signed programme, as they were before the loop."""

from __future__ import annotations

import numpy as np
from astral import Observer
from astral.sun import elevation
from numpy.typing import NDArray

from lighting.classes import power_share
from lighting.darkness import DARK_BELOW_DEG, Programme, local_hours
from smartcity.kernel.street import StreetDevice

Array = NDArray[np.float64]
DRAWS = "lighting.power_w"  # what a cabinet of the energy domain meters


def profile(asset: StreetDevice, metric: str, times_ms: NDArray[np.int64], rng: np.random.Generator) -> Array | None:
    """Values of one metric at `times_ms`; None for what has no past: faults begin with the demo."""
    if asset.kind != "luminaire" or metric not in {"lighting.dim_level", "lighting.power_w"}:
        return None
    level = levels(asset, times_ms)
    if metric == "lighting.dim_level":
        return level
    rated = float(asset.fields.get("power_w", 60.0))
    shares = {value: power_share(value) for value in np.unique(level)}
    power = np.array([shares[value] for value in level]) * rated
    return np.asarray(np.round(power * rng.normal(1.0, 0.01, len(power)), 2))


def levels(asset: StreetDevice, times_ms: NDArray[np.int64]) -> Array:
    """Programme levels in %, 0 by day."""
    programme = Programme.read(asset.engineering)
    hours = local_hours(times_ms, str(asset.twin.get("zone", "UTC")))
    on = np.array([100.0 if programme is None else programme.level(hour) for hour in np.arange(0, 24, 0.25)])
    return np.where(dark(asset.lat, asset.lon, times_ms), on[(hours * 4).astype(int) % 96], 0.0)


_dark: dict[tuple[float, float, int, int], NDArray[np.bool_]] = {}


def dark(lat: float, lon: float, times_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether lighting is due; one almanac per tenth of a degree, since it is asked for every lamp."""
    key = (round(lat, 1), round(lon, 1), int(times_ms[0]), len(times_ms))
    if key not in _dark:
        observer = Observer(key[0], key[1])
        instants = times_ms.astype("datetime64[ms]").tolist()
        _dark[key] = np.array([elevation(observer, at) < DARK_BELOW_DEG for at in instants])
    return _dark[key]
