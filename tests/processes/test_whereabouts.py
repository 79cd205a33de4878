# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.processes.topics import LOST_AFTER_S
from smartcity.processes.whereabouts import Whereabouts


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def where(now):
    return Whereabouts(clock=lambda: now[0])


def test_a_device_is_where_it_came_to_last(where):
    assert where.take("a", [["here", "L-1", "c", 10]]) == (["L-1"], False)
    where.take("b", [["here", "L-1", "c", 20]])
    assert where.holder("L-1") == "b"
    where.take("b", [["gone", "L-1"]])
    assert where.holder("L-1") == "a" and where.holder("L-2") is None


def test_who_falls_silent_takes_its_devices_with_it_until_it_speaks_again(where, now):
    where.take("a", [["here", "L-1", "c", 10]])
    now[0] += LOST_AFTER_S + 0.1
    assert where.holder("L-1") is None and where.count() == 0
    where.take("a", [["count", 1]])
    assert where.holder("L-1") == "a" and where.count() == 1


def test_another_count_than_ours_calls_for_the_roll_and_the_roll_sets_it_right(where):
    where.take("a", [["here", "L-1", "c", 10], ["here", "L-2", "c", 10]])
    assert where.take("a", [["count", 3]]) == ([], True)
    came, is_incomplete = where.take("a", [["all"], ["here", "L-2", "c", 10], ["here", "L-3", "c", 11], ["count", 2]])
    assert (came, is_incomplete) == (["L-3"], False)  # L-2 was known: nothing need be sent to it again
    assert where.holder("L-1") is None and where.holder("L-3") == "a"


def test_a_device_that_comes_again_is_ready_again_though_it_was_known(where):
    where.take("a", [["here", "L-1", "c", 10]])
    assert where.take("a", [["here", "L-1", "c", 30]])[0] == ["L-1"]


def test_names_that_never_come_again_are_forgotten(where, now):
    where.take("a", [["here", "L-1", "c", 10]])
    now[0] += 61
    where.forget_the_dead()
    assert where.take("a", [["count", 0]]) == ([], False)


steps = st.lists(st.tuples(st.sampled_from(["here", "gone"]), st.sampled_from(["L-1", "L-2"]), st.sampled_from("ab")))


@given(steps)
def test_it_knows_what_it_was_told(told):
    where = Whereabouts(clock=lambda: 0.0)
    model: dict[str, dict[str, int]] = {"a": {}, "b": {}}
    for since, (kind, uid, sender) in enumerate(told):
        where.take(sender, [[kind, uid, "c", since]])
        model[sender] |= {uid: since}
        if kind == "gone":
            del model[sender][uid]
    for uid in ("L-1", "L-2"):
        at = {sender: devices[uid] for sender, devices in model.items() if uid in devices}
        assert where.holder(uid) == (max(at, key=lambda sender: at[sender]) if at else None)
