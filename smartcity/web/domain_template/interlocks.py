# SPDX-License-Identifier: Apache-2.0
"""What no valve may be told, by whomever."""

from __future__ import annotations

from math import isfinite

from smartcity.kernel.control import Interlock, Setpoint, Situation

WET = 60.0
LONGEST_S = 3600.0


def is_a_position(setpoint: Setpoint, situation: Situation) -> str | None:
    value = setpoint.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or not 0 <= value <= 100:
        return f"a valve is opened from 0 to 100 %, not {value!r}"
    return None


def never_floods(setpoint: Setpoint, situation: Situation) -> str | None:
    """Open only onto soil that is known not to be wet, and for an hour at most."""
    if setpoint.value == 0:
        return None
    moisture = situation.reported.get("newdomain.moisture")
    if moisture is None:
        return "the soil's moisture is not known"
    if moisture > WET:
        return f"soil moisture {moisture:.0f} % is above {WET:.0f} %"
    return "an hour is the longest" if setpoint.expires_in_s > LONGEST_S else None


INTERLOCKS = (
    Interlock("valve position", ("bed",), ("valve",), is_a_position, "the valve's data sheet"),
    Interlock("never floods", ("bed",), ("valve",), never_floods, "gardeners' rule"),
)
