# SPDX-License-Identifier: Apache-2.0
"""A route as one line of text: what a truck is told, what a limit check reads, what a crew follows.

`C-012:66 C-044:120 U-001 C-051:80`: stops in order, each container with the kg expected there; unload sites without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

STAND_BY = "stand by"
MOST_STOPS = 200
_STOP = re.compile(r"([A-Za-z0-9_.-]{1,64})(?::(\d{1,5}))?")


class BadItinerary(ValueError):
    """The text is not a route; the message says why."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A container with the kg expected there, or an unload site (`kg` None)."""

    uid: str
    kg: int | None = None

    @property
    def is_unload(self) -> bool:
        return self.kg is None


def write(stops: Iterable[Stop]) -> str:
    text = " ".join(stop.uid if stop.kg is None else f"{stop.uid}:{stop.kg}" for stop in stops)
    return text or STAND_BY


def read(text: object) -> tuple[Stop, ...]:
    """Stops in order; none for STAND_BY. Raises BadItinerary."""
    if not isinstance(text, str) or not text.strip():
        raise BadItinerary(f"a route is a list of stops, not {text!r}")
    if text == STAND_BY:
        return ()
    parts = text.split(" ")
    if len(parts) > MOST_STOPS:
        raise BadItinerary(f"a route has at most {MOST_STOPS} stops")
    found = []
    for part in parts:
        match = _STOP.fullmatch(part)
        if match is None:
            raise BadItinerary(f"{part[:80]!r} is not a stop")
        found.append(Stop(match[1], None if match[2] is None else int(match[2])))
    containers = [stop.uid for stop in found if not stop.is_unload]
    if len(set(containers)) != len(containers):
        raise BadItinerary("a container stands twice on the route")
    return tuple(found)


def heaviest(stops: Iterable[Stop], aboard_kg: float = 0.0) -> float:
    """The greatest load on the way, kg, when every unload site takes all."""
    load = most = aboard_kg
    for stop in stops:
        load = 0.0 if stop.kg is None else load + stop.kg
        most = max(most, load)
    return most
