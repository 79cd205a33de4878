# SPDX-License-Identifier: Apache-2.0
"""What no truck may be sent to do, by whomever: over its capacity, beyond its shift, where it may not stop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from smartcity.kernel.control import Interlock, Setpoint, Situation
from waste import itinerary
from waste.itinerary import BadItinerary, Stop

STALE_S = 300.0
GRACE_H = 0.5
LONGEST_S = 10 * 3600.0
Rule = Callable[[tuple[Stop, ...], Setpoint, Situation], str | None]


def stops(setpoint: Setpoint, situation: Situation) -> tuple[Stop, ...]:
    """What is asked: a whole route, or one stop before the others. Raises BadItinerary."""
    found = itinerary.read(setpoint.value)
    if setpoint.point != "next_stop":
        return found
    if len(found) != 1:
        raise BadItinerary("one stop is needed")
    served = _table(situation, "serves")
    row = served.get(found[0].uid)
    return (Stop(found[0].uid, round(float(row[0]))),) if row else found


def _table(situation: Situation, name: str) -> dict[str, list[float]]:
    found = situation.announced.get(name)
    if not isinstance(found, dict) or not found:
        raise BadItinerary("the truck has not announced what it serves")
    return found


def _signed(situation: Situation, name: str) -> float:
    """Raises BadItinerary where nobody answers for it now."""
    value = situation.signed.get(name)
    if value is None:
        raise BadItinerary(f"the truck's {name} is not signed, or not any more")
    return float(value)


def _rule(rule: Rule) -> Callable[[Setpoint, Situation], str | None]:
    """A rule over stops; what cannot be read is refused."""

    def check(setpoint: Setpoint, situation: Situation) -> str | None:
        try:
            asked = stops(setpoint, situation)
            return rule(asked, setpoint, situation) if asked else None
        except BadItinerary as error:
            return str(error)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError):
            return "what the truck announced or was signed for cannot be read"

    check.__doc__ = rule.__doc__
    return check


def _within_capacity(asked: tuple[Stop, ...], setpoint: Setpoint, situation: Situation) -> str | None:
    """The load on the way never exceeds the signed capacity, the load aboard included."""
    capacity = _signed(situation, "capacity_kg")
    aboard, age = situation.reported.get("waste.load"), situation.ages_s.get("waste.load", float("inf"))
    if aboard is None or age > STALE_S:
        return "the truck's load is not known or older than 5 minutes"
    most = itinerary.heaviest(asked, aboard)
    return None if most <= capacity else f"{most:.0f} kg on the way, the signed capacity is {capacity:.0f} kg"


def _within_shift(asked: tuple[Stop, ...], setpoint: Setpoint, situation: Situation) -> str | None:
    """Trucks are sent during their signed shift only, and nothing holds on after it."""
    begins, ends = _signed(situation, "shift_from"), _signed(situation, "shift_to")
    hour = local_hour(situation)
    length, since = (ends - begins) % 24 or 24.0, (hour - begins) % 24
    if since >= length:
        return f"the shift is from {begins:g} to {ends:g} h"
    if setpoint.expires_in_s > min(LONGEST_S, (length - since + GRACE_H) * 3600):
        return f"it would hold on after the shift's end at {ends:g} h"
    return None


def _may_stop(asked: tuple[Stop, ...], setpoint: Setpoint, situation: Situation) -> str | None:
    """Only containers the truck serves (stream, width, height), within the hours in which it may stop there."""
    served, unloads = _table(situation, "serves"), situation.announced.get("unloads", ())
    hour = local_hour(situation)
    for stop in asked:
        if stop.is_unload:
            if stop.uid not in unloads:
                return f"{stop.uid} is no unload site of this truck"
            continue
        if stop.uid not in served:
            return f"{stop.uid} is no container this truck serves"
        _, begins, ends = served[stop.uid]
        length, since = (ends - begins) % 24 or 24.0, (hour - begins) % 24
        if since >= length and (24 - since) * 3600 >= setpoint.expires_in_s:
            return f"at {stop.uid} a truck may stop only from {begins:g} to {ends:g} h"
    return None


def local_hour(situation: Situation) -> float:
    """Raises BadItinerary where the truck has announced no time zone."""
    zone = situation.announced.get("zone")
    if not isinstance(zone, str):
        raise BadItinerary("the truck has not announced its time zone")
    at = datetime.fromtimestamp(situation.now_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    return at.hour + at.minute / 60 + at.second / 3600


_BOTH = ("route", "next_stop")
INTERLOCKS = (
    Interlock("within capacity", ("truck",), _BOTH, _rule(_within_capacity), "vehicle papers, signed capacity"),
    Interlock("within the shift", ("truck",), _BOTH, _rule(_within_shift), "signed shift plan, drivers' hours"),
    Interlock("may stop there", ("truck",), _BOTH, _rule(_may_stop), "what the truck announced it serves"),
)
