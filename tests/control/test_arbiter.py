# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smartcity.control.arbiter import Claim, displaced, stronger, winner
from smartcity.kernel.control import Priority


def claim(priority=Priority.OPTIMISER, at_ms=0, until_ms=100):
    return Claim(priority=priority, at_ms=at_ms, until_ms=until_ms, value=1, owner="somebody")


def test_the_stronger_holds_the_point():
    operator = claim(Priority.OVERRIDE)
    assert winner([claim(), operator, claim(Priority.SCHEDULE)], 50) is operator


def test_among_equals_the_newest_holds_it():
    assert winner([claim(at_ms=1), claim(at_ms=9), claim(at_ms=5)], 50) == claim(at_ms=9)


def test_what_has_run_out_holds_nothing():
    assert winner([claim(Priority.SAFETY, until_ms=50)], 50) is None


claims = st.lists(
    st.builds(claim, st.sampled_from(list(Priority)), st.integers(0, 100), st.integers(0, 200)), max_size=12
)


@given(claims, st.sampled_from(list(Priority)), st.integers(0, 200))
def test_a_newcomer_is_held_off_exactly_by_what_it_cannot_displace(standing, priority, now_ms):
    live = [c for c in standing if c.until_ms > now_ms]
    gone = displaced(standing, priority, now_ms)
    assert (stronger(standing, priority, now_ms) is None) == (len(gone) == len(live))
