# SPDX-License-Identifier: Apache-2.0
"""When streets must be lit, and what the signed base programme says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from astral import Observer
from astral.sun import elevation
from numpy.typing import NDArray

DARK_BELOW_DEG = -3.5  # about 35 lx under a clear sky
MINUTE_MS, DAY_MS = 60_000, 86_400_000
STEP_MS = 10 * MINUTE_MS


def is_dark(lat: float, lon: float, at_ms: int) -> bool:
    """Whether the sun is low enough for public lighting to be due."""
    return elevation(Observer(lat, lon), datetime.fromtimestamp(at_ms / 1000, UTC)) < DARK_BELOW_DEG


def next_change(lat: float, lon: float, at_ms: int) -> int | None:
    """When dusk or dawn comes next, to the minute; None where neither comes within two days."""
    was = is_dark(lat, lon, at_ms)
    for late in range(at_ms + STEP_MS, at_ms + 2 * DAY_MS, STEP_MS):
        if is_dark(lat, lon, late) != was:
            early = late - STEP_MS
            while late - early > MINUTE_MS:
                middle = (early + late) // 2
                early, late = (early, middle) if is_dark(lat, lon, middle) != was else (middle, late)
            return late
    return None


@dataclass(frozen=True, slots=True)
class Programme:
    """The signed programme in the node: (from local hour, level %) pairs, read noon to noon."""

    steps: tuple[tuple[float, float], ...]

    @classmethod
    def read(cls, data: Mapping[str, object]) -> Programme | None:
        """From engineering data `{"programme": [[hour, level], ...]}`; None when missing or malformed."""
        rows = data.get("programme")
        if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
            return None
        try:
            steps = tuple((float(hour), float(level)) for hour, level in rows)
        except (TypeError, ValueError):
            return None
        return cls(steps) if all(0 <= h < 24 and 0 < level <= 100 for h, level in steps) else None

    def level(self, local_hour: float) -> float:
        """Level in % at a local hour; the last step that began since noon holds."""
        ordered = sorted(self.steps, key=lambda step: (step[0] - 12) % 24)
        since_noon = (local_hour - 12) % 24
        current = 100.0
        for hour, level in ordered:
            if (hour - 12) % 24 <= since_noon:
                current = level
        return current


def local_hour(at_ms: int, zone: str) -> float:
    """Hours since local midnight, 0..24."""
    at = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))
    return at.hour + at.minute / 60 + at.second / 3600


def base_level(engineering: Mapping[str, object], lat: float, lon: float, at_ms: int, zone: str) -> float:
    """What the node does when nobody commands: dark by day, the programme at night, full light without one."""
    if not is_dark(lat, lon, at_ms):
        return 0.0
    programme = Programme.read(engineering)
    return 100.0 if programme is None else programme.level(local_hour(at_ms, zone))


def local_hours(times_ms: NDArray[np.int64], zone: str) -> NDArray[np.float64]:
    """Hours since local midnight for many instants; the offset is looked up once per UTC hour."""
    by_hour, index = np.unique(times_ms // 3_600_000, return_inverse=True)
    tz = ZoneInfo(zone)
    offsets = [datetime.fromtimestamp(h * 3600, UTC).astimezone(tz).utcoffset() for h in by_hour.tolist()]
    shift = np.array([offset.total_seconds() * 1000 if offset else 0.0 for offset in offsets])
    return np.asarray(((times_ms + shift[index]) % 86_400_000) / 3_600_000)
