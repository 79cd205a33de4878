# SPDX-License-Identifier: Apache-2.0
"""The street all simulated devices stand on: daylight, weather, and the traffic one of them sees for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from smartcity.kernel.geo import metres
from smartcity.kernel.street import LonLat
from smartcity.twin.weather import Weather

Past = Callable[[NDArray[np.int64]], Mapping[LonLat, NDArray[np.float64]]]


def no_past(times_ms: NDArray[np.int64]) -> Mapping[LonLat, NDArray[np.float64]]:
    return {}


class StreetWorld(Weather):
    """Implements kernel.street.World."""

    def __init__(
        self, centre: LonLat, zone: str, seed: int, *, map_file: str = "", folder: str = "", past: Past = no_past
    ) -> None:
        super().__init__(centre, seed)
        self.centre, self.zone = centre, zone
        self.map_file, self.folder = map_file, folder
        self.past_power = past
        self.speed = 1.0
        self._tz = ZoneInfo(zone)
        self._power: Mapping[LonLat, float] = {}
        self._traffic: dict[LonLat, tuple[float, float]] = {}
        self._nearest: dict[tuple[LonLat, float], LonLat | None] = {}

    def note_traffic(self, seen: Iterable[tuple[LonLat, float, float]]) -> None:
        found = {point: (flow, congestion) for point, flow, congestion in seen}
        if found.keys() != self._traffic.keys():
            self._nearest.clear()
        self._traffic = found

    def traffic_flow(self, point: LonLat, within_m: float = 150.0) -> float | None:
        near = self._near(point, within_m)
        return None if near is None else self._traffic[near][0]

    def congestion(self, point: LonLat, within_m: float = 150.0) -> float | None:
        near = self._near(point, within_m)
        return None if near is None else self._traffic[near][1]

    def note_power(self, drawn: Mapping[LonLat, float]) -> None:
        self._power = drawn

    def power_drawn(self) -> Mapping[LonLat, float]:
        return self._power

    def local_hours(self, at_ms: int) -> tuple[float, int]:
        at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self._tz)
        return at.hour + at.minute / 60 + at.second / 3600, at.weekday()

    def _near(self, point: LonLat, within_m: float) -> LonLat | None:
        """The nearest observed point; looked for once, as long as the same points are observed."""
        key = (point, within_m)
        if key not in self._nearest:
            close = min(((metres(point, other), other) for other in self._traffic), default=None)
            self._nearest[key] = close[1] if close is not None and close[0] <= within_m else None
        return self._nearest[key]
