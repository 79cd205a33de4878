# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcity.control import safety
from smartcity.control.safety import Rules, refusals
from smartcity.kernel.control import Interlock, Point, Setpoint, Situation

MINIMUM = 20


def at_least_minimum(setpoint, situation):
    return None if setpoint.value >= situation.engineering["minimum"] else "below the class minimum"


LAMP = Interlock("class minimum", ("lamp",), ("dim",), at_least_minimum, "EN 13201")
RULES = Rules.of([LAMP], [Point("lamp", "dim", "Dimming level", "%", low=0, high=100)])
SITUATION = Situation("L-1", "lamp", {"minimum": MINIMUM}, {}, {}, {}, 0)
WISH = Setpoint(asset="L-1", point="dim", value=50.0, reason="night", expires_in_s=600)


def reasons(wish, situation=SITUATION, rules=RULES):
    return [refusal.reason for refusal in refusals(wish, situation, rules)]


def test_a_setpoint_within_every_limit_passes():
    assert reasons(WISH) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"value": 10.0}, "below the class minimum"),
        ({"value": 101.0}, "between 0 and 100 %"),
        ({"value": math.nan}, "not a finite number"),
        ({"value": math.inf}, "not a finite number"),
        ({"value": True}, "a number or a word"),
        ({"value": "bright"}, "takes a number"),
        ({"point": "colour"}, "no limit check covers colour"),
        ({"reason": "  "}, "needs a reason"),
        ({"expires_in_s": 0}, "must expire"),
        ({"expires_in_s": math.inf}, "must expire"),
        ({"expires_in_s": math.nan}, "must expire"),
        ({"point": "lease", "value": "for ever"}, "auto or local"),
    ],
)
def test_what_is_outside_is_refused_with_its_reason(changes, words):
    assert words in "; ".join(reasons(replace(WISH, **changes)))


def test_an_unknown_kind_is_refused():
    assert reasons(WISH, replace(SITUATION, kind="fountain")) == ["no limit check covers dim of fountain"]


def test_a_check_that_cannot_be_made_refuses():
    assert "could not be made" in reasons(WISH, replace(SITUATION, engineering={}))[0]


def test_a_situation_of_another_asset_is_refused():
    assert "not of L-1" in reasons(WISH, replace(SITUATION, asset="L-2"))[0]


def test_back_to_local_is_always_within_limits():
    assert reasons(replace(WISH, point="lease", value="local"), replace(SITUATION, engineering={})) == []


def test_a_choice_outside_the_choices_is_refused():
    point = Point("lamp", "dim", "Level", "", choices=("low", "high"))
    assert "one of low, high" in (safety.out_of_range(point, "off") or "")


anything = st.one_of(st.floats(), st.integers(-(10**6), 10**6), st.text(max_size=5), st.booleans())


@settings(max_examples=500)
@given(
    st.lists(
        st.builds(
            Setpoint,
            asset=st.sampled_from(["L-1", "L-2"]),
            point=st.sampled_from(["dim", "lease", "colour", ""]),
            value=anything,
            reason=st.sampled_from(["", "night"]),
            expires_in_s=st.floats(),
        ),
        max_size=20,
    )
)
def test_no_sequence_of_wishes_ever_gets_a_lamp_below_its_minimum(wishes):
    for wish in wishes:
        if not refusals(wish, SITUATION, RULES):
            assert wish.asset == "L-1" and wish.reason and 0 < wish.expires_in_s <= safety.LONGEST_S
            assert wish.value in safety.LEASE_VALUES if wish.point == "lease" else MINIMUM <= wish.value <= 100
