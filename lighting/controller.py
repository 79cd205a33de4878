# SPDX-License-Identifier: Apache-2.0
"""Dim to what the street needs: the class its traffic asks for, never below the signed minimum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lighting.classes import below, power_share, share, steps_for
from smartcity.kernel.control import Expectation, Point, Setpoint, Situation

TOLERANCE_W = 3.0
PROVEN_WITHIN_S = 900.0


@dataclass(frozen=True, slots=True)
class Lamp:
    """A luminaire as it stands: rated power in W (None when not known), the level in % it last reported or None."""

    uid: str
    power_w: float | None
    level: float | None


@dataclass(frozen=True, slots=True)
class Street:
    """One segment: its signed classes, its base programme now, the traffic on it. Flows in vehicles per hour.

    `flow` is the latest usable count, `expected` the upper forecast for the coming hour; None when not known.
    `basis` names the readings and forecasts behind them.
    """

    uid: str
    name: str
    normal_class: str
    minimum_class: str
    lanes: int
    capacity: float
    programme_level: float
    flow: float | None
    expected: float | None
    basis: tuple[str, ...]
    lamps: tuple[Lamp, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The city at night: whether light is due, and every street."""

    is_dark: bool
    streets: tuple[Street, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """`lease_s`: life of a dimming command (2 h at most); a level is lowered only when traffic is `margin` below."""

    lease_s: float = 5400.0
    margin: float = 0.1
    worth_saying: float = 3.0


def decide(picture: Picture, policy: Policy) -> list[Setpoint]:
    """Setpoints for lamps whose level should differ from what their programme does by itself."""
    if not picture.is_dark:
        return []
    return [setpoint for street in picture.streets for setpoint in _street(street, policy)]


def wanted(street: Street, policy: Policy) -> tuple[float, str]:
    """Level in % and the reason in words. Without traffic figures the signed programme stands."""
    volume = max((v for v in (street.flow, street.expected) if v is not None), default=None)
    if volume is None:
        return street.programme_level, "no fresh traffic figures: the signed programme stands"
    load = volume / street.capacity
    level, needs = _needed(street, load)
    cautious, its_class = _needed(street, load * (1 + policy.margin))
    if level < cautious and cautious <= _reported(street) + policy.worth_saying:
        level, needs = cautious, its_class
    now = "not counted" if street.flow is None else f"{street.flow:.0f} veh/h now"
    ahead = "" if street.expected is None else f", at most {street.expected:.0f} expected within the hour"
    return level, f"{now}{ahead} ({load:.0%} of capacity): the street needs class {needs}"


def _needed(street: Street, load: float) -> tuple[float, str]:
    needs = below(street.normal_class, steps_for(load, street.lanes))
    least = share(street.minimum_class, street.normal_class)
    return round(max(share(needs, street.normal_class), least)), needs


def _reported(street: Street) -> float:
    return max((lamp.level for lamp in street.lamps if lamp.level is not None), default=0.0)


def _street(street: Street, policy: Policy) -> list[Setpoint]:
    level, reason = wanted(street, policy)
    if abs(level - street.programme_level) < policy.worth_saying:
        return []
    price = f"the programme would hold {street.programme_level:.0f} %{_spared(street, level)}"
    return [
        Setpoint(
            asset=lamp.uid,
            point="dim_level",
            value=level,
            reason=f"{street.name}: {reason}",
            expires_in_s=policy.lease_s,
            expect=expectation(level, {"power_w": lamp.power_w}),
            rests_on=street.basis,
            alternative=price,
        )
        for lamp in street.lamps
    ]


def _spared(street: Street, level: float) -> str:
    rated = [lamp.power_w for lamp in street.lamps]
    if None in rated:
        return ""
    less = power_share(street.programme_level) - power_share(level)
    return f": {sum(w for w in rated if w is not None) * less:+.0f} W on this street"


def expectation(value: float | str, engineering: Mapping[str, object]) -> Expectation | None:
    """Lamp power that proves the level: P(d) of the rated power, ±15 % and at least ±3 W, within 15 city minutes."""
    rated = engineering.get("power_w")
    if not isinstance(rated, int | float) or isinstance(value, str):
        return None
    power = rated * power_share(value)
    slack = max(TOLERANCE_W, 0.15 * power)
    return Expectation("lighting.power_w", power - slack, power + slack, PROVEN_WITHIN_S)


def _proof(value: float | str, situation: Situation) -> Expectation | None:
    return expectation(value, situation.engineering)


POINTS = (Point("luminaire", "dim_level", "Dimming level", "%", low=0, high=100, longest_s=12 * 3600, expect=_proof),)
