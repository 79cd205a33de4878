# SPDX-License-Identifier: Apache-2.0
"""How far a reading is believed: a table of cases, without a database."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.ingest.checks import Fault, judge
from smartcity.ingest.courses import Courses
from smartcity.kernel.codecs import NO_TIME
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
        metric("test.echo", low=0, high=100, spike=20),
        metric("test.meter", low=0, high=100, stuck_s=600, rests_at=0),
    )
}
PLAIN, STATE, LEVEL, ECHO, METER = 1, 2, 3, 4, 5
BOOK = book.write(enumerate(METRICS, 1), METRICS)


def verdict(at, series, value):
    judged = judge(readings((at, series, value), received=NOW), BOOK, Courses())
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
    before = Courses()
    first = judge(readings((NOW, LEVEL, 50), (NOW + 1000, LEVEL, 58), received=NOW), BOOK, before)
    assert first.rows.quality.tolist() == [0, 0]
    second = judge(readings((NOW + 3000, LEVEL, 71), (NOW + 2000, LEVEL, 70), received=NOW), BOOK, before)
    assert second.rows.quality.tolist() == [0, Quality.SUSPECT_RATE]


def test_after_a_long_silence_any_step_is_believed():
    before = Courses()
    judge(readings((NOW - 4 * MINUTE, LEVEL, 10), received=NOW), BOOK, before)
    assert judge(readings((NOW, LEVEL, 90), received=NOW), BOOK, before).rows.quality[0] == Quality.GOOD


def test_a_late_reading_is_not_judged_by_a_newer_one():
    before = Courses()
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
    judged = judge(readings(*rows, received=NOW), BOOK, Courses())
    sound = judged.rows.take(judged.faults == Fault.NONE)
    assert np.isfinite(sound.value).all()
    assert (sound.at <= NOW + 10 * MINUTE).all()
    assert (sound.at > 946_684_799_999).all()


def course(series, *values, step=MINUTE, before=None):
    """Qualities of a series of values, one a minute, in one batch or one by one."""
    rows = [(NOW + i * step, series, value) for i, value in enumerate(values)]
    together = judge(readings(*rows, received=rows[-1][0]), BOOK, Courses()).rows.quality.tolist()
    memory = Courses()
    apart = [int(judge(readings(row, received=row[0]), BOOK, memory).rows.quality[0]) for row in rows]
    late = [i for i in range(len(rows)) if rows[-1][0] - rows[i][0] > 15 * MINUTE]
    assert [q for i, q in enumerate(together) if i not in late] == [q for i, q in enumerate(apart) if i not in late]
    return apart


GOOD, SPIKE, STUCK = 0, Quality.SUSPECT_SPIKE, Quality.SUSPECT_STUCK


def test_a_single_false_echo_is_a_spike_and_what_follows_is_believed():
    assert course(ECHO, 30, 31, 31, 32, 32, 95, 33, 33) == [GOOD] * 5 + [SPIKE, GOOD, GOOD]


def test_a_rise_that_lasts_for_three_readings_is_a_new_level():
    assert course(ECHO, 30, 31, 31, 32, 32, 80, 81, 81, 82) == [GOOD] * 5 + [SPIKE] * 3 + [GOOD]


def test_a_fall_is_no_spike_because_containers_are_emptied():
    assert course(ECHO, 80, 81, 82, 83, 84, 2, 3) == [GOOD] * 7


def test_a_value_that_never_changes_is_a_sensor_that_hangs_unless_it_may_rest_there():
    assert course(METER, *[7.25] * 13) == [GOOD] * 10 + [STUCK] * 3
    assert course(METER, *[0.0] * 13) == [GOOD] * 13
    assert course(METER, *[7.25] * 12, 7.3, 7.3) == [GOOD] * 10 + [STUCK] * 2 + [GOOD] * 2


def test_a_silent_hour_is_no_hanging_sensor():
    assert course(METER, *[7.25] * 3, step=60 * MINUTE) == [GOOD] * 3


def test_a_reading_that_comes_twice_is_not_judged_by_itself():
    memory = Courses()
    first = readings((NOW, LEVEL, 50), received=NOW)
    assert [judge(first, BOOK, memory).rows.quality[0] for _ in range(3)] == [GOOD] * 3


def test_ten_thousand_series_are_judged_in_one_round_and_remembered():
    many = book.write(((i, "test.level") for i in range(10_000)), METRICS)
    memory = Courses()
    at = [(NOW, i, 10.0) for i in range(10_000)]
    judge(readings(*at, received=NOW), many, memory)
    after = [(NOW + 1000, i, 10.0 + (i % 2) * 50) for i in range(10_000)]
    found = judge(readings(*after, received=NOW + 1000), many, memory).rows.quality
    assert (found == np.where(np.arange(10_000) % 2, Quality.SUSPECT_RATE, GOOD)).all()
