# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.traffic.build import NOW, cabinet, programme
from traffic import spat
from traffic.board import Junction
from traffic.reporting import signal_values
from traffic.service import greens

MS = 1000 * NOW
WAIT, GREEN = spat.STOP, spat.GO


def junction(course=((MS - 20_000, 1),), age_s=0, announced=None, **signal):
    """Stage 1 for 20 s by default; groups are 1 and 2 on the main street, 3 on the side street, crossings 4 to 6."""
    given = {
        "stage": 1, "green_s": 20, "status": 0, "control_source": 1, "plan": 0, "longest_red_s": 0, "next_stage": 0,
        "ends_in_s": 0,
    } | signal  # fmt: skip
    at = MS - age_s * 1000
    return Junction(
        number=70_000, uid="K-1", name="Main / Side", zone="centre", point=(24.9, 60.2), streets=(), version=130,
        announced=announced or programme().announced(), course=tuple(course), greens=greens(course, MS), sections=(),
        readings={f"traffic.{name}": (float(value), at) for name, value in given.items()},
    )  # fmt: skip


def seconds(timing):
    return [None if at is None else (at - MS) / 1000 for at in (timing.least, timing.likely, timing.most)]


def test_groups_are_lane_groups_then_crossings():
    found = spat.groups(programme().announced())
    assert [(g.number, g.approach, g.on_foot, dict(g.rates)) for g in found] == [
        (1, "A-1", False, {1: 1.0}), (2, "A-2", False, {1: 1.0}), (3, "A-3", False, {2: 1.0}),
        (4, "A-1", True, {2: 1.0}), (5, "A-2", True, {2: 1.0}), (6, "A-3", True, {1: 1.0}),
    ]  # fmt: skip


def test_a_request_gives_a_likely_end_between_minimum_green_and_the_maximum_red_of_who_waits():
    found = spat.states(junction(next_stage=2, ends_in_s=12, longest_red_s=40), MS)
    state, timing = found[1]
    assert state == GREEN and seconds(timing) == [0, 12, 75] and not timing.is_sure  # 120 - 40, less 5 of intergreen
    state, timing = found[3]
    assert state == WAIT and seconds(timing) == [5, 17, 80]
    assert found[6][0] == GREEN and found[4][0] == WAIT


def test_before_its_minimum_green_a_stage_cannot_end():
    assert seconds(spat.states(junction(green_s=2), MS)[1][1]) == [3, None, None]


def test_on_the_fixed_plan_all_three_are_one_and_each_red_knows_its_green():
    found = spat.states(junction(next_stage=2, ends_in_s=10, control_source=0, plan=1), MS)
    assert seconds(found[1][1]) == [10, 10, 10] and found[1][1].is_sure
    assert seconds(found[3][1]) == [15, 15, 15]


def test_the_last_three_seconds_are_frozen():
    found = spat.states(junction(next_stage=2, ends_in_s=3, longest_red_s=40), MS)
    assert seconds(found[1][1]) == [3, 3, 3]
    later = spat.states(junction(next_stage=2, ends_in_s=30, longest_red_s=40), MS + 1000)
    assert seconds(spat.held(found, later, MS + 1000)[1][1]) == [3, 3, 3]
    assert seconds(spat.held(found, later, MS + 3000)[1][1])[1] == 30
    early = spat.states(junction(next_stage=2, ends_in_s=20, longest_red_s=40), MS)
    assert spat.held(early, later, MS + 1000) == later


def test_a_green_that_ends_clears_for_the_yellow_then_stops():
    course = ((MS - 20_000, 1), (MS - 2000, 0))
    changing = {"stage": 0, "green_s": 0, "next_stage": 2, "ends_in_s": 3}
    found = spat.states(junction(course, **changing), MS)
    assert found[1][0] == spat.CLEARING and seconds(found[1][1]) == [1, 1, 1]
    assert found[3][0] == WAIT and seconds(found[3][1]) == [3, 3, 3]
    assert spat.states(junction(course, **changing), MS + 1500)[1][0] == WAIT


def test_a_group_green_before_and_after_goes_on_through_the_intergreen():
    both = programme().announced()
    both["approaches"]["A-1"]["groups"][0]["rates"] = {"1": 1.0, "2": 0.6}
    course = ((MS - 20_000, 1), (MS - 1000, 0))
    found = spat.states(junction(course, stage=0, next_stage=2, ends_in_s=4, announced=both), MS)
    assert found[1][0] == spat.YIELD
    steady = spat.states(junction(next_stage=2, ends_in_s=10, control_source=0, plan=1, announced=both), MS)
    assert seconds(steady[1][1])[1:] == [None, None]  # green in every stage


@pytest.mark.parametrize(("status", "state"), [(1, spat.DARK), (2, spat.CAUTION), (3, spat.CAUTION)])
def test_out_of_order_no_end_is_promised(status, state):
    found = spat.states(junction(status=status), MS)
    assert {shown for shown, _ in found.values()} == {state}
    assert {seconds(timing)[1] for _, timing in found.values()} == {None}


def test_a_silent_controller_has_no_valid_spat():
    one = junction()
    silent = Junction(**{name: getattr(one, name) for name in Junction.__slots__} | {"readings": {}})
    assert spat.states(silent, MS) == {}
    said = spat.intersection_state(silent, {}, MS)
    assert (said["status"], said["states"]) == (["noValidSPATisAvailableAtThisTime"], [])


def test_the_message_is_written_in_the_names_and_numbers_of_the_standard():
    one = junction(next_stage=2, ends_in_s=12)
    said = spat.intersection_state(one, spat.states(one, MS), MS)
    assert (said["id"], said["revision"], said["status"]) == (
        {"region": 0, "id": 70_000 % 65_536}, 2, ["trafficDependentOperation"],
    )  # fmt: skip
    assert said["moy"] == 457_813 and said["timeStamp"] == 20_000  # 2023-11-14 22:13:20 UTC
    first = said["states"][0]
    assert (first["movementName"], first["signalGroup"]) == ("A-1", 1)
    [now] = first["state-time-speed"]
    assert now["eventState"] == "protected-Movement-Allowed"
    assert now["timing"] == {"minEndTime": 8000, "maxEndTime": 36_001, "likelyTime": 8120, "confidence": 7}


def test_a_time_mark_turns_over_with_the_hour_and_knows_its_ends():
    assert spat.mark(3_600_000 * 5 + 1000, 3_600_000 * 5 - 1000) == 10
    assert spat.mark(None, 0) == 36_001 and spat.mark(2 * 3_600_000, 0) == 36_000


def test_what_is_said_of_a_cabinet_on_its_plan_comes_true_for_every_group():
    box = cabinet()
    announced = programme().announced()
    said: dict[int, tuple[str, int]] = {}
    course: list[tuple[int, int]] = []
    for second in range(NOW, NOW + 200):
        box.tick(second, ())
        values = signal_values(box, second)
        course.append((second * 1000, round(values["traffic.stage"])))
        one = Junction(
            number=1, uid="K-1", name="", zone="", point=(0, 0), streets=(), version=1, announced=announced,
            course=tuple(course), greens=greens(course, second * 1000), sections=(),
            readings={name: (value, second * 1000) for name, value in values.items()},
        )  # fmt: skip
        for number, (state, timing) in spat.states(one, second * 1000).items():
            if number in said and said[number][0] != state:
                assert abs(second * 1000 - said[number][1]) <= 1000, (number, state)
            if timing.likely is not None:
                said[number] = (state, timing.likely)
    assert len(said) == 6
