# SPDX-License-Identifier: Apache-2.0
"""Water what is dry, and no longer than it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smartcity.kernel.control import Expectation, Point, Setpoint, Situation


@dataclass(frozen=True, slots=True)
class Soil:
    """One bed: its moisture in %, None when nothing fresh is known; flow in l/min with the valve open."""

    uid: str
    name: str
    moisture: float | None
    flow_l_min: float
    basis: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    beds: tuple[Soil, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Water below `dry` %, for at most `lease_s` before the soil is looked at again."""

    dry: float = 30.0
    lease_s: float = 1200.0


def decide(picture: Picture, policy: Policy) -> list[Setpoint]:
    """Open the valve of every dry bed; a bed nobody measured is left to its own programme."""
    return [
        _water(bed, bed.moisture, policy)
        for bed in picture.beds
        if bed.moisture is not None and bed.moisture < policy.dry
    ]


def _water(bed: Soil, moisture: float, policy: Policy) -> Setpoint:
    return Setpoint(
        asset=bed.uid,
        point="valve",
        value=100.0,
        reason=f"{bed.name}: soil moisture {moisture:.0f} % is below {policy.dry:.0f} %",
        expires_in_s=policy.lease_s,
        expect=expectation(100.0, {"flow_l_min": bed.flow_l_min}),
        rests_on=bed.basis,
        alternative="the bed's own programme waters at five in the morning",
    )


def expectation(value: float | str, engineering: Mapping[str, object]) -> Expectation | None:
    """The flow that proves the valve's position, ±20 %, within ten city minutes."""
    full = engineering.get("flow_l_min")
    if not isinstance(full, int | float) or isinstance(value, str):
        return None
    flow = full * value / 100
    return Expectation("newdomain.flow", flow * 0.8 - 1, flow * 1.2 + 1, 600.0)


def _proof(value: float | str, situation: Situation) -> Expectation | None:
    return expectation(value, situation.engineering)


POINTS = (Point("bed", "valve", "Valve", "%", low=0, high=100, longest_s=3600, expect=_proof),)
