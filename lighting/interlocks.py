# SPDX-License-Identifier: Apache-2.0
"""What no lamp may be told, by whomever."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from lighting.classes import LEVELS, share
from lighting.darkness import MINUTE_MS, is_dark, next_change
from smartcity.kernel.control import Interlock, Setpoint, Situation

LONGEST_LEASE_S = 2 * 3600.0
DUSK_MS, DAWN_MS = 2 * 60_000, 10 * 60_000
PERMANENT = "permanent"


def keeps_minimum_class(setpoint: Setpoint, situation: Situation) -> str | None:
    """A lit street keeps its signed minimum class (EN 13201-1); no signed class, no dimming."""
    level = setpoint.value
    if not isinstance(level, int | float) or isinstance(level, bool) or not 0 <= level <= 100:
        return f"a dimming level is a number from 0 to 100, not {level!r}"
    normal, minimum = situation.signed.get("normal_class"), situation.signed.get("minimum_class")
    if normal not in LEVELS or minimum not in LEVELS:
        return "no signed lighting class: only full light may be commanded" if level < 100 else None
    least = share(str(minimum), str(normal))
    if level + 0.5 < least:
        return f"{level:.0f} % is below {least:.0f} %, the signed minimum class {minimum} of this street"
    return None


def dims_for_two_hours_at_most(setpoint: Setpoint, situation: Situation) -> str | None:
    """Silence must bring the signed programme back, so a command to dim ends by itself within two hours."""
    if not isinstance(setpoint.value, int | float) or setpoint.value >= 100:
        return None
    if setpoint.expires_in_s > LONGEST_LEASE_S:
        return "a loop may dim for two hours at most; shorten the expiry"
    return None


def light_is_due(setpoint: Setpoint, situation: Situation) -> str | None:
    """By day the feeding pillar is switched off: what is asked then could neither act nor be measured.

    A node that announces `"supply": "permanent"` may be lit by day, for a test. Within two minutes of dusk it is dark
    enough; within ten of dawn too late, since the lamp is off again before it has proven the command.
    """
    if situation.announced.get("supply") == PERMANENT:
        return None
    if situation.where is None:
        return "where the lamp stands is not known, so it may have no supply now"
    lon, lat = (round(degrees, 2) for degrees in situation.where)  # 0.01° is 3 s of dusk: one search serves a town
    if not is_dark(lat, lon, situation.now_ms + DUSK_MS):
        dusk = _next_change(lat, lon, situation.now_ms // MINUTE_MS)
        until = f" until dusk at {_clock(dusk, situation.time_zone)}" if dusk is not None else ""
        return f"it is day: the lamps have no supply{until}"
    if not is_dark(lat, lon, situation.now_ms + DAWN_MS):
        dawn = _next_change(lat, lon, (situation.now_ms + DUSK_MS) // MINUTE_MS)
        when = f" at {_clock(dawn, situation.time_zone)}" if dawn is not None else ""
        return f"day breaks{when}: the lamps lose their supply before the effect could be measured"
    return None


@lru_cache(maxsize=256)
def _next_change(lat: float, lon: float, minute: int) -> int | None:
    """Up to 288 positions of the sun: not once for each lamp of a street."""
    return next_change(lat, lon, minute * MINUTE_MS)


def _clock(at_ms: int, time_zone: str) -> str:
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(time_zone)).strftime("%H:%M")


INTERLOCKS = (
    Interlock("light is due", ("luminaire",), ("dim_level",), light_is_due, "supply switched from dusk to dawn"),
    Interlock(
        "keeps the minimum class", ("luminaire",), ("dim_level",), keeps_minimum_class, "EN 13201-1/-2, signed class"
    ),
    Interlock(
        "dims for two hours at most",
        ("luminaire",),
        ("dim_level",),
        dims_for_two_hours_at_most,
        "signed programme returns",
    ),
)
