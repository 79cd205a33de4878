# SPDX-License-Identifier: Apache-2.0
"""What a controller says of itself: several things at once, and devices that say it in one code still understood."""

from __future__ import annotations

from collections import Counter

import pytest

from smartcity.kernel import senml
from tests.traffic.build import NOW, cabinet, junction, situation, wish
from traffic.alarms import ALARMS
from traffic.interlocks import INTERLOCKS
from traffic.metrics import METRICS, RUNGS, SOURCES, STATUS
from traffic.reporting import housing_values, ladder_values, signal_values
from traffic.street import faults
from traffic.street.controller import CONFLICT, DARK, FLASHING

NAMES = {metric.name for metric in METRICS}


def reported(box):
    return signal_values(box, NOW) | housing_values(box)


def refusals(here):
    plan = f"2@{NOW}"
    return [why for rule in INTERLOCKS if "stage_plan" in rule.points and (why := rule.check(wish(plan), here))]


def alarms(values):
    """Rules whose raise test holds for these values, whatever their delay."""
    return {rule.name for rule in ALARMS if rule.metric in values and rule.is_bad(values[rule.metric], {})}


def test_a_flashing_signal_says_that_its_door_is_open_too():
    box = cabinet()
    box.become(FLASHING, NOW, door_open=True)
    said = reported(box)
    assert (said["traffic.status"], said["traffic.door"], said["traffic.mains"]) == (STATUS.index("flashing"), 1, 0)
    assert alarms(said) == {"traffic.flashing", "traffic.door"}


def test_a_signal_without_mains_may_be_dark_or_go_on_with_its_battery():
    box = cabinet()
    box.become(DARK, NOW, mains_failed=True)
    assert alarms(reported(box)) == {"traffic.dark", "traffic.mains"}
    box.become(0, NOW, mains_failed=True)
    assert alarms(reported(box)) == {"traffic.mains"}
    assert set(box.tick(NOW + 20, [])) & set("Gg")


def test_with_an_open_door_the_plan_goes_on_and_nothing_is_taken_from_afar():
    box = cabinet()
    box.lease(NOW + 60)
    box.become(0, NOW, door_open=True)
    assert box.tick(NOW, []) == "GGrr"
    assert box.ask(f"1@{NOW}", NOW + 30, NOW) == box.hold(1, NOW + 30) == "the cabinet door is open"


@pytest.mark.parametrize(("word", "why"), [("door", "the cabinet door is open"), ("mains", "the mains have failed")])
def test_the_centre_asks_nothing_of_a_cabinet_with_open_door_or_failed_mains(word, why):
    assert refusals(situation(**{word: 1})) == [why]
    assert not refusals(situation(**{word: 0}))
    assert junction(**{word: 1}) == "is not in normal operation"


def test_the_door_is_told_once_a_minute_and_counts_until_it_is_told_again():
    assert refusals(situation(age_s=1.0, door=1)) == ["the cabinet door is open"]
    old = situation(door=1)
    old.ages_s["traffic.door"] = 55.0
    assert refusals(old) == ["the cabinet door is open"]


@pytest.mark.parametrize("word", STATUS[1:])
def test_a_controller_that_says_it_in_one_code_is_still_understood(word):
    (said,) = senml.CODEC.decode(senml.write({"traffic.status": float(STATUS.index(word))}, NOW * 1000), NOW * 1000)
    assert said.metric in NAMES
    assert alarms({said.metric: said.value}) == {f"traffic.{word.replace(' ', '_')}"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"traffic.control_source": SOURCES.index("manual")}, {"traffic.manual"}),
        ({"traffic.control_source": SOURCES.index("fallback")}, {"traffic.fallback"}),
        ({"traffic.control_source": SOURCES.index("centre"), "traffic.plan": 0}, set()),
        ({"traffic.plan": 1}, set()),
        ({"traffic.plan": 7}, {"traffic.plan"}),
    ],
)
def test_a_person_in_control_and_a_plan_nobody_signed_are_alarms(values, expected):
    assert alarms({name: float(value) for name, value in values.items()}) == expected


def test_a_plan_that_the_engineering_data_name_is_no_alarm():
    (rule,) = [rule for rule in ALARMS if rule.name == "traffic.plan"]
    assert not rule.is_bad(7.0, {"plans": [1, 7]}) and rule.is_good(7.0, {"plans": [1, 7]})
    assert rule.is_bad(2.0, {"plans": [1, 7]})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"traffic.red_lamp": 1}, {"traffic.red_lamp"}),
        ({"traffic.ups": 1}, {"traffic.battery"}),
        ({"traffic.ups": 2}, {"traffic.battery_low"}),
        ({"traffic.clock_error_s": 30}, {"traffic.clock"}),
        ({"traffic.clock_error_s": 0.4}, set()),
        ({"traffic.detector_fault": 3}, {"traffic.detector"}),
        ({"traffic.longest_red_s": 140}, {"traffic.long_red"}),
        ({"traffic.longest_red_s": 301}, {"traffic.stuck_red"}),
    ],
)
def test_what_the_cabinet_says_of_its_lamps_battery_clock_and_loops_are_alarms(values, expected):
    assert alarms({name: float(value) for name, value in values.items()}) == expected


def test_a_red_lamp_that_fails_is_reported_beside_what_the_signal_does():
    box = cabinet()
    box.become(CONFLICT, NOW, red_lamp_failed=True)
    said = reported(box) | ladder_values(box)
    assert (said["traffic.red_lamp"], RUNGS[round(said["traffic.rung"])]) == (1.0, "flash")
    assert alarms(said) == {"traffic.red_lamp", "traffic.conflict_trip"}


def test_nothing_is_asked_of_a_cabinet_whose_reports_come_from_the_future():
    here = situation()
    here.ages_s["traffic.stage"] = -30.0
    assert refusals(here) == ["the cabinet's clock is 30 s ahead"]


def test_every_kind_of_fault_happens_on_the_simulated_street():
    plan = faults.Plan([f"K-{n}" for n in range(8)], seed=1)
    seen = Counter(fault for hour in range(24 * 60) for fault in plan.broken(NOW + 1800 * hour).values())
    assert set(seen) == set(faults.KINDS.values())
