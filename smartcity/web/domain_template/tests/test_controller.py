# SPDX-License-Identifier: Apache-2.0
# isort: skip_file  (where the new domain sorts depends on its name)
from __future__ import annotations

import math

import pytest
from newdomain.controller import Picture, Policy, Soil, decide
from newdomain.interlocks import INTERLOCKS

from smartcity.kernel.control import Setpoint, Situation


def bed(moisture, uid="B-1"):
    return Soil(uid, "Esplanade", moisture, 40.0)


def refusals(value, *, moisture=30.0, expires_in_s=600.0):
    wish = Setpoint(asset="B-1", point="valve", value=value, reason="a test", expires_in_s=expires_in_s)
    reported = {} if moisture is None else {"newdomain.moisture": moisture}
    there = Situation("B-1", "bed", {}, {}, reported, {}, 0)
    return [why for rule in INTERLOCKS if (why := rule.check(wish, there))]


def test_only_dry_beds_are_watered_and_the_reason_says_why():
    [setpoint] = decide(Picture((bed(25.0), bed(40.0, "B-2"))), Policy())
    assert (setpoint.asset, setpoint.value) == ("B-1", 100.0) and "25 %" in setpoint.reason


def test_a_bed_nobody_measured_is_left_alone():
    assert decide(Picture((bed(None),)), Policy()) == []


@pytest.mark.parametrize("value", [-1, 101, math.nan, math.inf, "open", True])
def test_a_valve_has_only_positions(value):
    assert refusals(value)


def test_wet_or_unknown_soil_is_not_watered_by_anybody():
    assert refusals(100, moisture=80.0) and refusals(100, moisture=None)
    assert not refusals(0, moisture=80.0) and not refusals(100)


def test_an_hour_is_the_longest():
    assert refusals(100, expires_in_s=3601)
