# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traffic.build import NOW, SIGNED, programme, situation, wish
from traffic import plans
from traffic.interlocks import INTERLOCKS

stages_and_gaps = st.lists(st.tuples(st.integers(1, 3), st.integers(-2, 25)), min_size=1, max_size=5)


def refusals(value, here, point="stage_plan"):
    return [why for rule in INTERLOCKS if point in rule.points and (why := rule.check(wish(value, point), here))]


@given(stages_and_gaps, st.integers(0, 2), st.integers(0, 60))
def test_no_plan_that_passes_gives_a_stage_less_than_minimum_green_and_intergreen(found, running, green_s):
    starts = list(accumulate((gap for _, gap in found), initial=NOW - 10))
    text = " ".join(f"{stage}@{start}" for (stage, _), start in zip(found, starts, strict=False))
    if refusals(text, situation(stage=running, green_s=green_s)):
        return
    plan = plans.read(text)
    for before, after in pairwise(plan):
        assert after.start_s - before.start_s >= 5 + 5
    assert {segment.stage for segment in plan} <= {1, 2}
    if running not in (0, plan[0].stage):
        assert green_s + 1 + max(0, plan[0].start_s - NOW) >= 5


def test_a_plan_leaves_each_stage_its_minimum_green_and_the_announced_intergreen():
    assert refusals(f"1@{NOW} 2@{NOW + 9}", situation())
    assert not refusals(f"1@{NOW} 2@{NOW + 10}", situation())


@given(st.text(max_size=20) | st.floats() | st.integers())
def test_what_cannot_be_read_never_passes(value):
    passed = not refusals(value, situation())
    assert not passed or all(s.stage in (1, 2) for s in plans.read(value))


@pytest.mark.parametrize("status", [1, 2, 3, 4, 5])
def test_a_signal_out_of_order_or_with_an_open_door_is_asked_for_nothing(status):
    assert refusals(f"2@{NOW}", situation(status=status))


def test_old_news_of_the_running_stage_is_no_news():
    assert not refusals(f"2@{NOW}", situation())
    assert "the running stage is not known" in refusals(f"2@{NOW}", situation(age_s=30))


def test_who_has_waited_for_the_maximum_red_may_not_be_passed_over():
    waiting = situation(longest_red_s=115, waiting_stage=2)
    assert refusals(f"1@{NOW - 20}", waiting)
    assert not refusals(f"2@{NOW}", waiting)


@pytest.mark.parametrize("sheet", [{"is_signed": False}, {"signed": {}}], ids=["unsigned", "none"])
def test_without_a_signed_timing_sheet_no_plan_passes(sheet):
    assert refusals(f"2@{NOW}", situation(**sheet)) == [
        "no timing sheet is signed for this junction, or not any more: its local plan stands"
    ]


def test_the_stricter_of_what_is_signed_and_what_is_announced_counts():
    assert not refusals(f"1@{NOW} 2@{NOW + 12}", situation())
    assert refusals(f"1@{NOW} 2@{NOW + 12}", situation(signed=SIGNED | {"min_green_s": 8.0}))
    waiting = {"longest_red_s": 85, "waiting_stage": 2}
    assert not refusals(f"1@{NOW - 20}", situation(**waiting))
    assert refusals(f"1@{NOW - 20}", situation(signed=SIGNED | {"max_red_s": 90.0}, **waiting))


def test_a_hold_obeys_minimum_green_too():
    assert refusals(2, situation(green_s=1), "stage")
    assert not refusals(2, situation(green_s=20), "stage")
    assert refusals(7, situation(), "stage")


def test_without_an_announced_intergreen_no_change_passes():
    table = programme().announced()
    del table["intergreen_s"]["1"]
    here = situation()
    broken = replace(here, announced=table)
    assert any("no intergreen" in why for why in refusals(f"2@{NOW}", broken))
