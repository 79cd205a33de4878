# SPDX-License-Identifier: Apache-2.0
"""Every limit check on every setpoint, manual ones included. Pure, and closed: what is not understood is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smartcity.kernel.control import Interlock, Mode, Point, Setpoint, Situation

LEASE = "lease"
LEASE_VALUES = (Mode.AUTO.value, Mode.LOCAL.value)
LONGEST_S = 24 * 3600.0

# What a rule of a domain may stumble over when data are missing or odd: the setpoint is refused, the rest go on.
STUMBLES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a setpoint may not pass, in words, and which rule says so."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What the domains declare, indexed by (kind, point)."""

    interlocks: Mapping[tuple[str, str], tuple[Interlock, ...]]
    points: Mapping[tuple[str, str], Point]

    @classmethod
    def of(cls, interlocks: Sequence[Interlock], points: Sequence[Point]) -> Rules:
        found: dict[tuple[str, str], list[Interlock]] = {}
        for rule in interlocks:
            for kind in rule.kinds:
                for point in rule.points:
                    found.setdefault((kind, point), []).append(rule)
        return cls({key: tuple(rules) for key, rules in found.items()}, {(p.kind, p.name): p for p in points})


def refusals(setpoint: Setpoint, situation: Situation, rules: Rules) -> list[Refusal]:
    """Every reason against; empty when the setpoint may pass."""
    if setpoint.asset != situation.asset:
        return [Refusal("identity", f"the situation is of {situation.asset}, not of {setpoint.asset}")]
    if faults := _form(setpoint):
        return faults
    if setpoint.point == LEASE:
        return [] if setpoint.value in LEASE_VALUES else [Refusal("range", "a lease is auto or local")]
    key = situation.kind, setpoint.point
    interlocks = rules.interlocks.get(key, ())
    if not interlocks:
        return [Refusal("unknown", f"no limit check covers {setpoint.point} of {situation.kind}")]
    point = rules.points.get(key)
    if point is not None and (outside := out_of_range(point, setpoint.value)):
        return [Refusal("range", outside)]
    return [refusal for rule in interlocks if (refusal := _asked(rule, setpoint, situation))]


def _form(setpoint: Setpoint) -> list[Refusal]:
    found = []
    if not setpoint.reason.strip():
        found.append(Refusal("form", "a command needs a reason"))
    if not 0 < setpoint.expires_in_s <= LONGEST_S:
        found.append(Refusal("form", "a command must expire, within 24 hours"))
    if isinstance(setpoint.value, bool) or not isinstance(setpoint.value, int | float | str):
        found.append(Refusal("form", "a value is a number or a word"))
    elif not isinstance(setpoint.value, str) and not math.isfinite(setpoint.value):
        found.append(Refusal("form", "the value is not a finite number"))
    return found


def out_of_range(point: Point, value: float | str) -> str | None:
    """Why the value is none this point can take, or None."""
    if point.choices:
        return None if value in point.choices else f"{point.title} takes one of {', '.join(point.choices)}"
    if isinstance(value, str):
        return f"{point.title} takes a number" if point.low is not None or point.high is not None else None
    low = -math.inf if point.low is None else point.low
    high = math.inf if point.high is None else point.high
    return None if low <= value <= high else f"{point.title} must lie between {low:g} and {high:g} {point.unit}".strip()


def _asked(rule: Interlock, setpoint: Setpoint, situation: Situation) -> Refusal | None:
    try:
        reason = rule.check(setpoint, situation)
    except STUMBLES as error:
        return Refusal(rule.name, f"the limit check {rule.name} could not be made: {type(error).__name__}: {error}")
    return Refusal(rule.name, reason) if reason else None
