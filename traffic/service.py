# SPDX-License-Identifier: Apache-2.0
"""How a signal serves who comes: green shares, degree of saturation, delay, level of service, travel time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

GAP_S = 30.0  # a stage not reported for so long is not known to have gone on
PERIOD_H = 0.25
SPACE_M = 7.5  # of a standing vehicle, with the gap before it
SLOWEST_KMH = 3.0
HBS = (("A", 20.0), ("B", 35.0), ("C", 50.0), ("D", 70.0))  # HBS 2015, table S4-1: motor vehicles at signals, s
HCM = (("A", 10.0), ("B", 20.0), ("C", 35.0), ("D", 55.0), ("E", 80.0))  # HCM 2010, exhibit 18-4, s
SCALES = {"hbs": HBS, "hcm": HCM}
Course = Sequence[tuple[int, int]]
"""(ms, stage) as reported, oldest first; 0 in an intergreen."""


@dataclass(frozen=True, slots=True)
class Greens:
    """Of a span of known stages: share of it by stage number, and the mean cycle in seconds (None: none is whole)."""

    share: Mapping[int, float]
    known_s: float
    cycle_s: float | None


@dataclass(frozen=True, slots=True)
class Served:
    """One approach. veh/h, 0.., s/veh, m, s; None where nothing says it."""

    capacity: float | None
    saturation: float | None
    delay_s: float | None
    back_m: float | None
    travel_s: float | None


def greens(course: Course, until_ms: int) -> Greens:
    """A report holds until the next, at most GAP_S."""
    ends = [*course[1:], (until_ms, -1)]
    held: dict[int, float] = {}
    for (at, stage), (after, _) in zip(course, ends, strict=False):
        held[stage] = held.get(stage, 0.0) + min(GAP_S, max(0.0, (after - at) / 1000))
    known = sum(held.values())
    share = {stage: seconds / known for stage, seconds in held.items() if stage > 0} if known else {}
    return Greens(share, known, _cycle(course))


def _cycle(course: Course) -> float | None:
    """Mean time between begins of the stage that begins most often."""
    begins: dict[int, list[int]] = {}
    for (_, before), (at, stage) in pairwise(course):
        if stage > 0 and stage != before:
            begins.setdefault(stage, []).append(at)
    most = max(begins.values(), key=len, default=[])
    return (most[-1] - most[0]) / 1000 / (len(most) - 1) if len(most) > 1 else None


def served(
    announced: Mapping[str, Any],
    values: Mapping[str, float],
    seen: Greens,
    *,
    length_m: float,
    lanes: int | None,
    speed_kmh: float | None,
) -> Served:
    """`announced` is the approach as the controller announced it, `values` its fresh readings by metric."""
    flow, queue = values.get("traffic.flow"), values.get("traffic.queue")
    groups = announced.get("groups", ())
    capacities = [_capacity(group, float(announced["saturation"]), seen) for group in groups] if seen.known_s else []
    full = [
        flow * float(group["share"]) / one
        for group, one in zip(groups, capacities, strict=False)
        if flow is not None and one > 0
    ]
    degree = max(full, default=None)
    capacity = sum(capacities) if capacities else None
    wait = None
    if degree is not None and capacity and seen.cycle_s:
        most = max((_green(group, seen) for group in groups), default=0.0)
        wait = delay_s(degree, capacity, most, seen.cycle_s)
    stands = lanes or sum(int(group["lanes"]) for group in groups) or 1
    back = None if queue is None else min(queue * SPACE_M / stands, max(length_m, 0.0))
    return Served(capacity, degree, wait, back, _travel(length_m, values.get("traffic.speed"), speed_kmh, wait))


def _green(group: Mapping[str, Any], seen: Greens) -> float:
    return sum(seen.share.get(int(stage), 0.0) for stage, rate in group["rates"].items() if rate)


def _capacity(group: Mapping[str, Any], saturation: float, seen: Greens) -> float:
    """veh/h of one lane group: saturation flow over the stages that serve it."""
    share = sum(seen.share.get(int(stage), 0.0) * float(rate) for stage, rate in group["rates"].items())
    return 3600 * saturation * int(group["lanes"]) * share


def delay_s(degree: float, capacity: float, green: float, cycle_s: float) -> float:
    """Control delay, s/veh: HCM 2010 equations 18-20 and 18-45 (k = 0.5, I = 1), random arrivals over 15 minutes.

    `degree` is flow by capacity, `capacity` in veh/h, `green` the share of the cycle.
    """
    uniform = 0.5 * cycle_s * (1 - green) ** 2 / (1 - min(1.0, degree) * green) if green < 1 else 0.0
    over = degree - 1
    return uniform + 900 * PERIOD_H * (over + sqrt(over**2 + 4 * degree / (capacity * PERIOD_H)))


def level(wait_s: float, degree: float | None, scale: str = "hbs") -> str:
    """A to F by control delay. HBS: F is more than the capacity, E any longer wait; HCM: F is either."""
    steps = SCALES[scale]
    if degree is not None and degree > 1:
        return "F"
    beyond = "E" if scale == "hbs" else "F"
    return next((letter for letter, most in steps if wait_s <= most), beyond)


def _travel(length_m: float, speed: float | None, allowed: float | None, wait: float | None) -> float | None:
    """Seconds over the section, by its mean speed; where that is silent, free and with the delay at the signal."""
    if speed is not None:
        return length_m / max(speed, SLOWEST_KMH) * 3.6
    return length_m / allowed * 3.6 + wait if allowed and wait is not None else None


def mean_delay(found: Sequence[tuple[Served, float | None]]) -> float | None:
    """Mean over vehicles: each approach's delay weighed by its flow (veh/h)."""
    known = [(one.delay_s, flow) for one, flow in found if one.delay_s is not None and flow]
    total = sum(flow for _, flow in known)
    return sum(wait * flow for wait, flow in known) / total if total else None
