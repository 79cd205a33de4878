# SPDX-License-Identifier: Apache-2.0
"""The weather service of a simulated city: what it says of the coming days, wronger the further ahead. No Django.

It knows the weather the street will have and spoils it: a random walk of 0.15 K per √hour for the temperature, 2 % per
√hour for the sun. The same seed says the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np

from smartcity.kernel.street import World

HOUR_MS = 3_600_000
EVERY_MS, PAST_MS = 6 * HOUR_MS, 56 * 24 * HOUR_MS
HOURS = 8 * 24
STRAY_K, STRAY_SUN = 0.15, 0.02
NAME = "%Y%m%dT%H%MZ.json"


class Forecaster:
    """Writes a file for every six hours of city time into `folder`, those of the last eight weeks at once."""

    def __init__(self, world: World, seed: int, folder: Path) -> None:
        self.world, self.seed, self.folder = world, seed, folder
        self._air = lru_cache(maxsize=4096)(world.temperature)
        self._written_ms = 0
        self._sun = lru_cache(maxsize=4096)(world.irradiance)

    def is_due(self, now_ms: int) -> bool:
        return now_ms - now_ms % EVERY_MS != self._written_ms

    def missing(self, now_ms: int) -> Iterator[int]:
        """Instants of which there should be a forecast and is none, oldest first."""
        newest = now_ms - now_ms % EVERY_MS
        for at_ms in range(newest - PAST_MS, newest + 1, EVERY_MS):
            if not self._path(at_ms).exists():
                yield at_ms

    def write(self, now_ms: int) -> None:
        """What is missing; what is older than the city remembers goes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for at_ms in self.missing(now_ms):
            fresh = self._path(at_ms).with_suffix(".new")
            fresh.write_bytes(msgspec.json.encode(self.said(at_ms)))
            fresh.replace(self._path(at_ms))
        self._written_ms = now_ms - now_ms % EVERY_MS
        oldest = self._path(now_ms - PAST_MS - EVERY_MS).name
        for path in self.folder.glob("*.json"):
            if path.name < oldest:
                path.unlink()

    def said(self, at_ms: int) -> dict[str, object]:
        """In the form of docs/how-to/give-forecasts-the-weather.md."""
        hours = [at_ms + k * HOUR_MS for k in range(HOURS)]
        walks = np.random.default_rng([self.seed, at_ms // EVERY_MS]).normal(size=(2, HOURS)).cumsum(axis=1)
        air = np.array([self._air(one) for one in hours]) + STRAY_K * walks[0]
        sun = np.array([self._sun(one + HOUR_MS // 2) for one in hours]) * np.exp(STRAY_SUN * walks[1])
        when = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(at_ms / 1000))
        return {
            "issued_at": when,
            "start": when,
            "step_s": 3600,
            "temperature_c": air.round(2).tolist(),
            "irradiance_w_m2": np.minimum(sun, 1400.0).round(1).tolist(),
        }

    def _path(self, at_ms: int) -> Path:
        return self.folder / time.strftime(NAME, time.gmtime(at_ms / 1000))
