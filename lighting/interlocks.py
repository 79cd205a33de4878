# SPDX-License-Identifier: Apache-2.0
"""What no lamp may be told, by whomever."""

from __future__ import annotations

from lighting.classes import LEVELS, share
from smartcity.kernel.control import Interlock, Setpoint, Situation

LONGEST_LEASE_S = 2 * 3600.0


def keeps_minimum_class(setpoint: Setpoint, situation: Situation) -> str | None:
    """A lit street keeps its signed minimum class (EN 13201-1); no signed class, no dimming."""
    level = setpoint.value
    if not isinstance(level, int | float) or isinstance(level, bool) or not 0 <= level <= 100:
        return f"a dimming level is a number from 0 to 100, not {level!r}"
    normal, minimum = situation.engineering.get("normal_class"), situation.engineering.get("minimum_class")
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


INTERLOCKS = (
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
