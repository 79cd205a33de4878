# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.control import lifecycle
from smartcity.kernel.control import State


def test_every_state_has_a_row_in_the_table():
    assert set(lifecycle.NEXT) == set(State)


def test_an_end_is_an_end_but_for_the_roll_back_of_a_failure():
    ways_out = {state: set(lifecycle.NEXT[state]) for state in lifecycle.ENDS if lifecycle.NEXT[state]}
    assert ways_out == {State.FAILED: {State.ROLLED_BACK}}


@given(st.lists(st.sampled_from(list(State)), max_size=30), st.sampled_from(sorted(lifecycle.BIRTHS)))
def test_nothing_is_applied_that_was_not_sent_and_nothing_verified_that_was_not_applied(wishes, born):
    seen = [born]
    for wish in wishes:
        if lifecycle.may_become(seen[-1], wish):
            seen.append(wish)
    if State.APPLIED in seen:
        assert State.SENT in seen[: seen.index(State.APPLIED)]
    if State.VERIFIED in seen:
        assert State.APPLIED in seen[: seen.index(State.VERIFIED)]


def test_a_step_outside_the_table_is_a_fault_of_our_own():
    with pytest.raises(lifecycle.Forbidden):
        lifecycle.insist(State.PROPOSED, State.SENT)


def test_an_answer_in_unknown_words_means_nothing():
    assert lifecycle.from_ack("done!") is None
