# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from smartcity.kernel.control import Setpoint, Situation
from waste.interlocks import INTERLOCKS

TEN_LOCAL = 1_796_025_600_000  # 30 November 2026, 10 h in Helsinki
SIGNED = {"capacity_kg": 500.0, "shift_from": 6.0, "shift_to": 14.0}
ANNOUNCED = {
    "zone": "Europe/Helsinki",
    "serves": {"C-1": [100, 0, 24], "C-2": [100, 6, 9], "C-3": [450, 0, 24]},
    "unloads": ["U-1"],
}


def refusals(
    value,
    point="route",
    *,
    signed=SIGNED,
    is_signed=True,
    announced=ANNOUNCED,
    load=0.0,
    age=10.0,
    now=TEN_LOCAL,
    lasts=7200,
):
    setpoint = Setpoint(asset="RT-1", point=point, value=value, reason="", expires_in_s=lasts)
    reported, ages = {"waste.load": load}, {"waste.load": age}
    facts = Situation("RT-1", "truck", signed, announced, reported, ages, now, is_signed=is_signed)
    return " · ".join(why for rule in INTERLOCKS if (why := rule.check(setpoint, facts)))


@pytest.mark.parametrize("value", ["C-1:100 U-1", "C-1:100 C-3:300 U-1 ", "stand by"])
def test_a_route_within_all_limits_passes(value):
    assert refusals(value.strip()) == ""


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"value": "C-1:300 C-3:300"}, "600 kg on the way"),
        ({"value": "C-1:300", "load": 300.0}, "600 kg on the way"),
        ({"value": "C-1:100", "age": 900.0}, "load is not known"),
        ({"value": "C-3", "point": "next_stop", "load": 100.0}, "550 kg"),
        ({"value": "C-1:10", "now": TEN_LOCAL + 5 * 3_600_000}, "the shift is from 6 to 14"),
        ({"value": "C-1:10", "lasts": 5 * 3600}, "after the shift's end"),
        ({"value": "C-9:10"}, "no container this truck serves"),
        ({"value": "C-1:10 U-9"}, "no unload site"),
        ({"value": "C-2:10"}, "only from 6 to 9"),
        ({"value": "C-1:10", "announced": {}}, "not announced"),
        ({"value": "C-1:10", "announced": ANNOUNCED | {"zone": None}}, "time zone"),
        ({"value": "C-1:10", "signed": {}}, "capacity_kg is not signed"),
        ({"value": "C-1:10", "is_signed": False}, "capacity_kg is not signed"),
        ({"value": "C-1:10", "signed": SIGNED | {"shift_to": "late"}}, "cannot be read"),
        ({"value": "C-1:10 C-1:10"}, "twice"),
        ({"value": 7.0}, "a route is a list"),
        ({"value": "C-1 C-2", "point": "next_stop"}, "one stop"),
    ],
)
def test_what_breaks_a_limit_is_refused_in_words(asked, why):
    assert why in refusals(**asked)


def test_a_truck_nobody_has_signed_for_may_still_stand_by():
    assert refusals("stand by", is_signed=False) == ""


def test_an_unload_on_the_way_makes_room():
    assert refusals("C-3:400 U-1 C-1:300") == ""
