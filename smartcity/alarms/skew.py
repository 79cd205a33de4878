# SPDX-License-Identifier: Apache-2.0
"""Devices whose clock is off for so long that it is no hiccup, and how that is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from smartcity.alarms import rules
from smartcity.alarms.roster import Known
from smartcity.alarms.standing import Raise

ON_DELAY_MS: Final = 900_000
WALL_FLOOR_S: Final = 60.0
UNITS: Final = ((172_800, 86_400, "days"), (7_200, 3_600, "h"), (120, 60, "min"), (0, 1, "s"))


class Skew:
    """Since when each device's clock has been off without a break."""

    def __init__(self) -> None:
        self._since: dict[int, int] = {}

    def judge(self, off: Mapping[int, float], now_ms: int, delay_ms: int) -> dict[int, float]:
        """Those of `off` (device pk → seconds ahead) that have been in it for the delay."""
        self._since = {device: self._since.get(device, now_ms) for device in off}
        return {device: off[device] for device, since in self._since.items() if now_ms - since >= delay_ms}


def delay_ms(speed: float) -> int:
    """A quarter of an hour of city time, but a minute of the wall at least."""
    return max(ON_DELAY_MS, int(1000 * WALL_FLOOR_S * speed))


def raised(asset: int, known: Mapping[int, Known], off: Mapping[int, float]) -> Raise:
    """`off` is asset → seconds ahead."""
    one, ahead_s = known[asset], off[asset]
    size, unit = next((size, unit) for least, size, unit in UNITS if abs(ahead_s) >= least)
    value, way = abs(ahead_s) / size, "ahead" if ahead_s > 0 else "behind"
    text = f"{one.name}: its clock is {value:.0f} {unit} {way}"
    severity = rules.lost_severity(one.kind, one.place.domain)
    return Raise(rule=rules.CLOCK_OFF, severity=severity, asset=one, value=value, unit=unit, text=text)
