# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a timing sheet is said in a sentence each; a right one is left alone and comes back as it went."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traffic.sheets import EVERY_DAY, sheet, with_calendar, with_group, with_plan
from traffic.engineering import record
from traffic.engineering.check import findings, may_be_signed
from traffic.engineering.compare import changes
from traffic.engineering.ring_barrier import derive
from traffic.engineering.shape import BadSheet, read, write
from traffic.engineering.sheet import (
    CalendarEntry,
    Corridor,
    Day,
    Intergreen,
    Movement,
    Pair,
    Right,
    RingBarrier,
    Split,
    Stage,
    Turn,
)

RIGHT = sheet()
WEEK = tuple(EVERY_DAY)


def said(one):
    return [finding.sentence for finding in findings(one)]


def test_a_right_sheet_is_left_alone():
    assert said(RIGHT) == [] and may_be_signed(findings(RIGHT))


def with_green(*green, stage=2):
    return replace(RIGHT, stages=tuple(replace(s, green=green) if s.number == stage else s for s in RIGHT.stages))


def without_intergreen(ends, begins):
    rows = tuple(row for row in RIGHT.intergreens if (row.ends, row.begins) != (ends, begins))
    return replace(RIGHT, intergreens=rows)


def with_intergreen(ends, begins, seconds):
    rest = without_intergreen(ends, begins).intergreens
    return replace(RIGHT, intergreens=(*rest, Intergreen(ends, begins, seconds)))


WRONG = [
    (with_green("V2", "F1", "V1"), "Stage 2 shows V1 and V2 green; they conflict."),
    (with_green("V2", "F1", "V1"), "Stage 2 shows F1 and V1 green; they conflict."),
    (
        replace(with_green("V2", "F1", "V1"), yields=(Pair("V1", "V2"), Pair("V1", "F1"))),
        "Stage 2 shows V1 and V2 green; they conflict and both are protected.",
    ),
    (with_green("V2", "F1", "V9"), "Stage 2 shows V9, which is no signal group."),
    (with_green(), "Stage 2 shows no group green."),
    (without_intergreen("V1", "V2"), "No intergreen from V1 to V2, although they conflict."),
    (
        with_intergreen("V1", "V2", 3.5),
        "The intergreen from V1 to V2 is 3.5 s, shorter than its yellow and all-red of 4 s.",
    ),
    (with_intergreen("F1", "V1", 8.0), "The intergreen from F1 to V1 is 8 s, shorter than its clearance of 10 s."),
    (with_group("F1", walk_s=3.0), "Walk of F1 is 3 s, less than 4 s."),
    (with_group("F1", width_m=14.4), "Clearance of F1 is 10 s; 14.4 m at 1.2 m/s take 12 s."),
    (with_group("F1", width_m=0.0), "The width of crossing F1 is not given, so its clearance is not known."),
    (with_group("V1", min_green_s=4.0), "Minimum green of V1 is 4 s, less than 5 s."),
    (with_group("V1", yellow_s=2.0), "Yellow of V1 is 2 s, not 3 to 6 s."),
    (with_group("V1", max_red_s=130.0), "Maximum red of V1 is 130 s, more than 120 s."),
    (with_group("V2", max_red_s=30.0), "Plan 1 keeps V2 at red for 39 s, longer than its maximum of 30 s."),
    (with_group("V2", min_green_s=25.0), "Plan 1: V2 gets 21 s, less than its minimum green of 25 s."),
    (with_group("F1", walk_s=15.0), "Plan 1: F1 gets 21 s, less than its walk and clearance of 25 s."),
    (with_group("V2", approach="A-7"), "Group V2 is on approach A-7, which is not known."),
    (with_plan(cycle_s=70.0), "Plan 1: greens and changes add up to 60 s, not to the cycle of 70 s."),
    (with_plan(offset_s=60.0), "Plan 1: the offset of 60 s lies outside the cycle of 60 s."),
    (with_plan(offset_s=-1.0), "Plan 1: the offset of -1 s lies outside the cycle of 60 s."),
    (with_plan(splits=(Split(1, 30.0), Split(7, 21.0))), "Plan 1 names stage 7, which is not known."),
    (replace(RIGHT, plans=()), "There is no plan, so the cabinet has nothing to fall back to."),
    (
        replace(RIGHT, stages=(*RIGHT.stages, Stage(3, "side again", ("V2",)))),
        "Stage 3 is not reachable: no plan has it and it does not run on call.",
    ),
    (with_green("F1"), "Group V2 is green in no stage."),
    (with_green("F1"), "Movement M2 is never served: no stage shows it green."),
    (
        replace(RIGHT, movements=(*RIGHT.movements, Movement("M3", "A-2", Turn.RIGHT, ""))),
        "Movement M3 is never served: its group (none) is not known.",
    ),
    (with_calendar((WEEK, 0, 1440, 1), (WEEK, 420, 540, 2)), "Mondays: two entries overlap from 07:00."),
    (with_calendar((WEEK, 0, 420, 1), (WEEK, 480, 1440, 2)), "Sundays: no plan runs from 07:00 to 08:00."),
    (with_calendar((WEEK, 0, 1400, 1)), "Fridays: no plan runs from 23:20 to 24:00."),
    (
        with_calendar((WEEK, 0, 1440, 1), ((Day.HOLIDAY,), 0, 600, 2)),
        "Public holidays: no plan runs from 10:00 to 24:00.",
    ),
    (with_calendar((WEEK, 0, 1440, 9)), "The calendar names plan 9, which is not known."),
    (with_calendar((WEEK, 0, 1440, 1)), "Plan 2 never runs by the calendar."),
    (
        with_calendar((WEEK, 600, 500, 1)),
        "An entry of the calendar runs from 10:00 to 08:20; it must end after it begins.",
    ),
    (
        replace(RIGHT, corridor=Corridor("East", 50.0, ("K-8", "K-9"), (0.0, 20.0))),
        "Corridor East does not lead through K-1.",
    ),
    (
        replace(RIGHT, ring_barrier=RingBarrier(((("V2", "F1"),), (("V1",),)))),
        "Stage 2 shows F1 and V2 of one ring.",
    ),
    (replace(RIGHT, groups=(*RIGHT.groups, RIGHT.groups[0])), "V1 stands twice among the groups."),
]  # fmt: skip


@pytest.mark.parametrize(("one", "sentence"), WRONG, ids=[sentence for _, sentence in WRONG])
def test_each_fault_is_said_in_a_sentence(one, sentence):
    assert sentence in said(one)


def test_a_stage_on_call_and_a_day_of_two_plans_are_no_faults():
    on_call = replace(RIGHT, stages=(*RIGHT.stages, Stage(3, "side again", ("V2",), on_call=True)))
    two = with_calendar((WEEK, 0, 420, 1), (WEEK, 420, 1140, 2), (WEEK, 1140, 1440, 1))
    assert said(on_call) == [] and said(two) == []


def test_who_gives_way_may_be_green_beside_what_it_yields_to():
    permissive = replace(
        with_green("V2", "F1", "V1"),
        yields=(Pair("V1", "V2"), Pair("V1", "F1")),
        groups=tuple(replace(g, right=Right.PERMISSIVE) for g in RIGHT.groups),
    )
    assert not [sentence for sentence in said(permissive) if "conflict" in sentence]


def test_what_is_estimated_keeps_a_sheet_from_being_signed_and_a_warning_does_not():
    assert not may_be_signed(findings(replace(RIGHT, estimated=("intergreens",))))
    late = replace(RIGHT, intergreens=(*RIGHT.intergreens, Intergreen("V2", "F1", 4.0)))
    words = "An intergreen of 4 s from V2 to F1 stands for groups that do not conflict."
    assert said(late) == [words] and may_be_signed(findings(late))


def test_a_sheet_goes_out_as_json_with_its_version_and_comes_back_the_same():
    full = replace(with_calendar((WEEK, 0, 1440, 1)), corridor=Corridor("East", 50.0, ("K-1",), (0.0,)),
                   ring_barrier=RingBarrier(((("V1",), ("V2",)),)), estimated=("plans",))  # fmt: skip
    data = json.loads(json.dumps(write(full)))
    assert data["version"] == 1 and read(data) == full


UNREADABLE = [
    ([], "a timing sheet is an object"),
    ({}, "version None of the shape is not known"),
    ({**write(RIGHT), "version": 2}, "version 2 of the shape is not known"),
    ({**write(RIGHT), "colour": 1}, "the sheet has a field 'colour' that is not known"),
    ({**write(RIGHT), "groups": [{"id": "V1"}]}, "item 1 of groups of the sheet lacks kind, approach"),
    ({**write(RIGHT), "name": 5}, "name of the sheet is not a text of at most 200 characters"),
    ({**write(RIGHT), "groups": {}}, "groups of the sheet is not a list"),
    ({**write(RIGHT), "conflicts": [{"a": "V1", "b": None}]}, "b of item 1 of conflicts of the sheet is not a text"),
    ({**write(RIGHT), "stages": [{"number": 1.5, "name": "", "green": []}]}, "is not a whole number"),
    ({**write(RIGHT), "intergreens": [{"ends": "a", "begins": "b", "seconds": float("nan")}]}, "is not a number"),
    ({**write(RIGHT), "intergreens": [{"ends": "a", "begins": "b", "seconds": True}]}, "is not a number"),
    ({**write(RIGHT), "groups": [{"id": "V1", "kind": "boat", "approach": "A-1"}]}, "is 'boat', not one of vehicle"),
]


@pytest.mark.parametrize(("data", "words"), UNREADABLE, ids=[words for _, words in UNREADABLE])
def test_what_is_no_sheet_is_refused_with_the_place(data, words):
    with pytest.raises(BadSheet) as no:
        read(data)
    assert words in str(no.value)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
NAMES = st.text(max_size=5)
ANY = st.recursive(PLAIN, lambda x: st.lists(x, max_size=3) | st.dictionaries(NAMES, x, max_size=3))


@given(part=st.sampled_from(sorted(write(RIGHT))), value=ANY)
def test_whatever_comes_is_read_or_refused_and_what_is_read_can_be_judged(part, value):
    with contextlib.suppress(BadSheet):
        findings(read({**write(RIGHT), part: value}))


CHANGED = [
    (with_group("V1", min_green_s=8.0), ["Group V1: min green was 5 s, is 8 s."]),
    (with_green("V2"), ["Stage 2: F1 is no longer green in it."]),
    (with_green("V2", "F1", stage=1), ["Stage 1: F1 is green in it now.", "Stage 1: V2 is green in it now.",
                                       "Stage 1: V1 is no longer green in it."]),
    (with_intergreen("V1", "V2", 6.0), ["Intergreen from V1 to V2 was 5 s, is 6 s."]),
    (without_intergreen("V1", "V2"), ["Intergreen from V1 to V2 was 5 s, is none."]),
    (with_plan(cycle_s=70.0), ["Plan 1: cycle was 60 s, is 70 s."]),
    (with_plan(splits=(Split(1, 31.0), Split(2, 20.0))),
     ["Plan 1: stages were 1 for 30 s, 2 for 21 s, are 1 for 31 s, 2 for 20 s."]),
    (replace(RIGHT, calendar=(CalendarEntry(1, (Day.SAT,), 0, 600),)), ["Calendar: plan 1 00:00–10:00 on sat is new."]),
    (replace(RIGHT, conflicts=RIGHT.conflicts[:1]), ["F1 and V1 no longer conflict."]),
    (replace(RIGHT, estimated=("plans",)), ["Plans: marked as estimated."]),
    (RIGHT, []),
]  # fmt: skip


@pytest.mark.parametrize(("new", "sentences"), CHANGED)
def test_what_changed_is_said_in_words(new, sentences):
    assert changes(RIGHT, new) == sentences


def test_limit_checks_and_alarms_find_their_figures_beside_the_sheet():
    stored = record.data(with_group("V2", max_red_s=90.0))
    assert (stored["min_green_s"], stored["max_red_s"], stored["plans"]) == (5.0, 90.0, [1])
    assert record.why_not(stored) == [] and record.why_not({"min_green_s": 5.0}) == []
    assert record.why_not(stored | {"max_red_s": 300.0}) == ["The limits beside the sheet are not those of the sheet."]
    assert "cannot be read" in record.why_not({"sheet": {"version": 9}})[0]


def test_a_crossing_of_other_than_four_arms_has_no_rings():
    assert derive(RIGHT) is None
