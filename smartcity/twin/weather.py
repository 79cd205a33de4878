# SPDX-License-Identifier: Apache-2.0
"""Sun and weather over a city: a pure function of instant, place and seed. A rough climate, not a record of any day."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from math import cos, exp, pi, radians, sin
from random import Random

from astral import Observer
from astral.sun import elevation

from smartcity.kernel.street import LonLat

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


class Weather:
    """Deterministic; the same for the history and for the day that is lived."""

    def __init__(self, centre: LonLat, seed: int) -> None:
        self.lon, self.lat = centre
        self._seed = seed
        self._observer = Observer(self.lat, self.lon)
        self._knot = lru_cache(maxsize=4096)(self._drawn)

    def sun_elevation(self, at_ms: int) -> float:
        """Degrees above the horizon, refraction included (astral after NOAA)."""
        return float(elevation(self._observer, datetime.fromtimestamp(at_ms / 1000, UTC)))

    def cloud(self, at_ms: int) -> float:
        """Cloud cover 0..1 between values drawn for every six hours; half of the sky on average."""
        return self._between("cloud", at_ms, 6 * HOUR_MS)

    def temperature(self, at_ms: int) -> float:
        """°C: a yearly and a daily wave by latitude, and weather of ± 3 K that lasts for days."""
        year = 2 * pi * ((at_ms / DAY_MS) % 365.25) / 365.25
        season = -cos(year - 2 * pi * 25 / 365.25) * (1 if self.lat >= 0 else -1)
        day = cos(2 * pi * (((at_ms / HOUR_MS) + self.lon / 15) % 24 - 15) / 24)
        clear = 1 - 0.6 * self.cloud(at_ms)
        mean, swing = 30.0 - 0.39 * abs(self.lat), 0.2 * abs(self.lat)
        return mean + swing * season + 3.0 * clear * day + 3.0 * self._between("warm", at_ms, 2 * DAY_MS)

    def irradiance(self, at_ms: int) -> float:
        """Global horizontal W/m²: clear sky after Haurwitz (1945), clouds after Kasten & Czeplak (1980)."""
        high = sin(radians(self.sun_elevation(at_ms)))
        if high <= 0.01:
            return 0.0
        clear = 1098.0 * high * exp(-0.057 / high)
        return float(clear * (1 - 0.75 * self.cloud(at_ms) ** 3.4))

    def _between(self, what: str, at_ms: int, every_ms: int) -> float:
        """A smooth course through one drawn value every so often."""
        number, within = divmod(at_ms, every_ms)
        share = within / every_ms
        share = share * share * (3 - 2 * share)
        return self._knot(what, number) * (1 - share) + self._knot(what, number + 1) * share

    def _drawn(self, what: str, number: int) -> float:
        draw = Random(f"{self._seed}/{what}/{number}")
        return draw.betavariate(0.8, 0.8) if what == "cloud" else draw.gauss(0.0, 1.0)
