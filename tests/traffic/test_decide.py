# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traffic.build import NOW, junction, situation, wish
from traffic import plans
from traffic.controller import Policy, request
from traffic.interlocks import INTERLOCKS
from traffic.picture import Junction

POLICY = Policy()
queues = st.floats(0, 40)


def asked(now=NOW, **more):
    setpoint = request(junction(now, **more), now, POLICY)
    return None if setpoint is None else plans.read(setpoint.value)[0].stage


def test_the_street_with_the_queue_gets_the_green():
    assert asked(main=0, side=8) == 2
    assert asked(main=8, side=0) == 1


def test_a_stage_in_its_minimum_green_is_left_alone():
    assert asked(side=20, green_s=3) is None
    assert asked(side=20, stage=0, green_s=0) is None


def test_near_the_maximum_red_the_waiting_stage_comes_whatever_it_costs():
    assert asked(main=30, side=1, longest_red_s=100, waiting_stage=2) == 2


def test_people_on_foot_end_a_green_nobody_drives_through():
    assert asked(main=0, side=0, green_s=90) == 2


def test_a_silent_detector_counts_as_somebody_waiting():
    seen = junction()
    assert isinstance(seen, Junction)
    quiet = junction(at=NOW - 30)
    assert quiet == "does not report its stage"


@pytest.mark.parametrize("status", [1, 2, 3, 4, 5])
def test_a_signal_out_of_order_is_left_alone(status):
    assert junction(status=status) == "is not in normal operation"


@given(queues, queues, st.integers(5, 100), st.sampled_from([1, 2]))
def test_every_request_passes_the_limit_checks(main, side, green_s, stage):
    here = junction(main=main, side=side, green_s=green_s, stage=stage)
    setpoint = request(here, NOW, POLICY)
    assert setpoint is not None
    state = situation(stage=stage, green_s=green_s, age_s=0.0)
    assert [w for rule in INTERLOCKS if (w := rule.check(wish(setpoint.value), state))] == []


def test_the_reason_names_who_waits_and_what_each_choice_costs():
    setpoint = request(junction(main=0, side=8), NOW, POLICY)
    assert setpoint is not None
    assert "8 vehicles on A-3" in setpoint.reason and "veh·s" in setpoint.reason
    assert setpoint.alternative.startswith("holding stage 1")


def test_a_plan_shifted_by_a_second_is_not_sent_again():
    assert plans.is_same("1@1700000000 2@1700000040", "1@1700000000 2@1700000041")
    assert not plans.is_same("1@1700000000 2@1700000040", "1@1700000000 2@1700000045")
    assert not plans.is_same("1@1700000000", "2@1700000000")
