# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from smartcity.forecasting.clean import clean
from tests.forecasting.build import TARGET, daily, rows


def test_a_good_series_is_left_alone():
    values = daily(20, noise=5)
    cleaned, repairs = clean(rows(values), TARGET)
    np.testing.assert_array_equal(cleaned.values[0], values)
    assert repairs.words(0) == ""


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(-3.0, "outside the possible range"), (1e9, "outside the possible range"), (4_900.0, "a spike far above")],
)
def test_one_bad_value_becomes_a_gap_with_its_reason(bad, reason):
    values = daily(20, noise=5)
    values[100] = bad
    cleaned, repairs = clean(rows(values), TARGET)
    assert np.flatnonzero(np.isnan(cleaned.values[0])).tolist() == [100]
    assert f"1 {reason}" in repairs.words(0)


def test_a_stuck_span_keeps_its_first_step_only():
    values = daily(20, noise=5)
    values[100:160] = 77.7
    cleaned, repairs = clean(rows(values), TARGET)
    assert np.flatnonzero(np.isnan(cleaned.values[0])).tolist() == list(range(101, 160))
    assert repairs.stuck[0] == 59


@pytest.mark.parametrize("quiet", [0.0, TARGET.low])
def test_a_quiet_span_is_not_stuck(quiet):
    values = daily(20, noise=5)
    values[100:160] = quiet
    assert clean(rows(values), TARGET)[1].stuck[0] == 0


def test_a_rare_event_in_a_quiet_series_is_not_a_spike():
    values = np.zeros(1_000)
    values[[200, 700]] = (3.0, 5.0)
    assert clean(rows(values), TARGET)[1].spikes[0] == 0


def test_a_constant_series_is_left_for_the_engine_to_speak_of():
    assert clean(rows(np.full(200, 5.0)), TARGET)[1].stuck[0] == 0


def test_cleaning_a_prefix_does_not_depend_on_what_comes_later():
    values = daily(20, noise=5)
    later = values.copy()
    later[300:] *= 40
    before, _ = clean(rows(values).before(300), TARGET)
    np.testing.assert_array_equal(before.values, clean(rows(later).before(300), TARGET)[0].values)
