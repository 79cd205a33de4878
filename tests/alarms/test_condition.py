# SPDX-License-Identifier: Apache-2.0
"""Delays and hysteresis, beside a second, slow and plain statement of the same rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcity.alarms.condition import NEVER, Delays, Seen, State, step

HIGH, LOW = 100, 90


@dataclass
class Plain:
    """One asset, one reading after the other, as a person would tell it."""

    delays: Delays
    is_active: bool = False
    bad_since: int | None = None
    good_since: int | None = None

    def after(self, at, value, now):
        self.bad_since = (self.bad_since or at) if value > HIGH else None
        self.good_since = (self.good_since or at) if value < LOW else None
        until = max(at, min(now, at + self.delays.holds))
        if not self.is_active and self.bad_since and until - self.bad_since >= self.delays.on:
            self.is_active = True
        elif self.is_active and self.good_since and until - self.good_since >= self.delays.off:
            self.is_active = False
        return self.is_active


def play(histories, delays, ticks):
    """Step many assets through (at, value) histories at the given instants; the active flags after each."""
    size = len(histories)
    state, active, flags = State.fresh(size), np.zeros(size, np.bool_), []
    for now in ticks:
        latest = [next(((at, v) for at, v in reversed(history) if at <= now), None) for history in histories]
        seen = Seen(
            np.array([found[0] if found else NEVER for found in latest], np.int64),
            np.array([found is not None and found[1] > HIGH for found in latest], np.bool_),
            np.array([found is not None and found[1] < LOW for found in latest], np.bool_),
        )
        state, raised, cleared = step(state, seen, active, delays, now)
        assert not (raised & active).any() and not (cleared & ~active).any()
        active = (active | raised) & ~cleared
        flags.append(active.tolist())
    return flags


HISTORIES = st.lists(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from([50, 89, 95, 101, 150])), min_size=1, max_size=12),
    min_size=1,
    max_size=5,
)


def absolute(steps):
    at, found = 1000, []
    for wait, value in steps:
        at += wait
        found.append((at, value))
    return found


@settings(max_examples=100, deadline=None)
@given(HISTORIES, st.integers(0, 120), st.integers(0, 120), st.integers(0, 60))
def test_many_assets_at_once_behave_as_each_would_alone(steps, on, off, holds):
    delays, histories = Delays(on, off, holds), [absolute(found) for found in steps]
    ticks = range(1000, max(history[-1][0] for history in histories) + 200)
    flags = play(histories, delays, ticks)
    for number, history in enumerate(histories):
        plain = Plain(delays)
        for now, row in zip(ticks, flags, strict=True):
            latest = next(((at, v) for at, v in reversed(history) if at <= now), None)
            expected = plain.after(*latest, now) if latest else False
            assert row[number] == expected, (number, now)


@settings(max_examples=100, deadline=None)
@given(HISTORIES, st.integers(1, 120))
def test_nothing_is_raised_that_was_not_bad_for_the_whole_delay(steps, on):
    histories = [absolute(found) for found in steps]
    ticks = range(1000, max(history[-1][0] for history in histories) + 200)
    first = play(histories, Delays(on, 0, 60), ticks)
    for number, history in enumerate(histories):
        for now, row, before in zip(ticks, first, [[False] * len(histories), *first], strict=False):
            if row[number] and not before[number]:
                inside = [value for at, value in history if now - on < at <= now]
                assert all(value > HIGH for value in inside)


@given(st.lists(st.integers(LOW, HIGH), min_size=1, max_size=40))
def test_between_the_thresholds_nothing_ever_changes(values):
    history = [(1000 + 10 * n, value) for n, value in enumerate(values)]
    assert not any(row[0] for row in play([history], Delays(0, 0, 10), range(1000, 1500, 10)))
    standing = [(990, 150), *history]
    assert all(row[0] for row in play([standing], Delays(0, 0, 10), range(990, 1500, 10)))


@pytest.mark.parametrize(
    ("on", "now", "raised"),
    [(600, 1_600, False), (600, 1_900, False), (300, 1_300, True), (0, 1_000, True), (301, 9_999_999, False)],
)
def test_a_value_holds_until_the_next_reading_is_due_and_no_longer(on, now, raised):
    """One bad reading at 1,000 of a metric that reports every 300: a lost device does not let the delay run on."""
    assert play([[(1000, 150)]], Delays(on, 0, 300), [1000, now])[-1] == [raised]


def test_a_buffer_that_arrives_late_counts_by_the_device_s_own_time():
    history = [(1000, 150), (1300, 150), (1600, 150)]
    assert play([history], Delays(600, 0, 0), [500_000]) == [[False]]
    assert play([history], Delays(600, 0, 0), [1000, 1300, 1600])[-1] == [True]


def test_what_was_never_measured_raises_nothing():
    nothing = Seen(np.array([NEVER]), np.array([False]), np.array([False]))
    state, raised, cleared = step(State.fresh(1), nothing, np.array([False]), Delays(0, 0, 0), 10)
    assert not raised.any() and not cleared.any() and state.bad_since[0] == NEVER


def test_where_a_rule_calls_one_value_bad_and_good_it_counts_as_bad():
    both = Seen(np.array([1000]), np.array([True]), np.array([True]))
    _, _, cleared = step(State.fresh(1), both, np.array([True]), Delays(0, 0, 0), 1000)
    assert not cleared.any()
