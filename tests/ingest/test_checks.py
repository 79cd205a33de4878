# SPDX-License-Identifier: Apache-2.0
"""How far a reading is believed: a table of cases, without a database."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.ingest.checks import NO_TIME, Before, Fault, judge
from smartcity.kernel.quality import Quality
from smartcity.telemetry import book
from tests.telemetry.conftest import NOW, metric, readings

MINUTE = 60_000
METRICS = {
    found.name: found
    for found in (
        metric("test.plain", low=0, high=100),
        metric("test.state", low=0, high=2, states=("a", "b", "c")),
        metric("test.level", low=0, high=100, max_step=10),
    )
}
PLAIN, STATE, LEVEL = 1, 2, 3
BOOK = book.write([(PLAIN, "test.plain"), (STATE, "test.state"), (LEVEL, "test.level")], METRICS)


def verdict(at, series, value):
    judged = judge(readings((at, series, value), received=NOW), BOOK, Before())
    return judged.faults[0] or Quality(judged.rows.quality[0])


@pytest.mark.parametrize(
    ("at", "series", "value", "expected"),
    [
        (NOW, PLAIN, 50, Quality.GOOD),
        (NOW, PLAIN, 0, Quality.GOOD),
        (NOW, PLAIN, 100.5, Quality.SUSPECT_RANGE),
        (NOW, PLAIN, -0.1, Quality.SUSPECT_RANGE),
        (NOW, STATE, 2, Quality.GOOD),
        (NOW, STATE, 1.5, Quality.SUSPECT_RANGE),
        (NOW, 99, 1e9, Quality.GOOD),
        (NOW + 2 * MINUTE, PLAIN, 1, Quality.GOOD),
        (NOW + 2 * MINUTE + 1, PLAIN, 1, Quality.SUSPECT_SKEW),
        (NOW + 10 * MINUTE, PLAIN, 1, Quality.SUSPECT_SKEW),
        (NOW + 10 * MINUTE + 1, PLAIN, 1, Fault.FUTURE),
        (NOW - 15 * MINUTE, PLAIN, 1, Quality.GOOD),
        (NOW - 15 * MINUTE - 1, PLAIN, 1, Quality.LATE),
        (0, PLAIN, 1, Fault.CLOCK_UNSET),
        (NO_TIME, PLAIN, 1, Quality.ESTIMATED),
        (NOW, PLAIN, math.nan, Fault.NOT_FINITE),
        (NOW, PLAIN, -math.inf, Fault.NOT_FINITE),
        (NO_TIME, PLAIN, 101, Quality.SUSPECT_RANGE),
    ],
)
def test_each_reading_gets_its_verdict(at, series, value, expected):
    assert verdict(at, series, value) == expected


def test_a_step_too_far_is_suspect_against_the_reading_before_it_in_this_batch_or_the_last():
    before = Before()
    first = judge(readings((NOW, LEVEL, 50), (NOW + 1000, LEVEL, 58), received=NOW), BOOK, before)
    assert first.rows.quality.tolist() == [0, 0]
    second = judge(readings((NOW + 3000, LEVEL, 71), (NOW + 2000, LEVEL, 70), received=NOW), BOOK, before)
    assert second.rows.quality.tolist() == [0, Quality.SUSPECT_RATE]


def test_after_a_long_silence_any_step_is_believed():
    before = Before()
    judge(readings((NOW - 4 * MINUTE, LEVEL, 10), received=NOW), BOOK, before)
    assert judge(readings((NOW, LEVEL, 90), received=NOW), BOOK, before).rows.quality[0] == Quality.GOOD


def test_a_late_reading_is_not_judged_by_a_newer_one():
    before = Before()
    judge(readings((NOW, LEVEL, 10), received=NOW), BOOK, before)
    assert judge(readings((NOW - MINUTE, LEVEL, 90), received=NOW), BOOK, before).rows.quality[0] == Quality.GOOD


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**53), 2**53) | st.just(NO_TIME),
            st.integers(0, 5000),
            st.floats(allow_nan=True, allow_infinity=True),
        ),
        min_size=1,
    )
)
def test_whatever_comes_the_sound_ones_are_finite_dated_and_not_in_the_future(rows):
    judged = judge(readings(*rows, received=NOW), BOOK, Before())
    sound = judged.rows.take(judged.faults == Fault.NONE)
    assert np.isfinite(sound.value).all()
    assert (sound.at <= NOW + 10 * MINUTE).all()
    assert (sound.at > 946_684_799_999).all()
