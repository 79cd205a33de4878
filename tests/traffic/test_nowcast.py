# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traffic.nowcast import STEPS, nowcast

USUAL = 500 + 300 * np.sin(np.arange(48 + STEPS) / 15)


def today(factor=1.0, noise=10.0, seed=1, length=48):
    return USUAL[:length] * factor + np.random.default_rng(seed).normal(0, noise, length)


def test_a_usual_day_goes_on_as_usual():
    found = nowcast(today(), USUAL)
    assert found is not None and np.abs(found.values - USUAL[48:]).max() < 25


def test_a_busier_day_stays_busier_and_the_nearest_steps_most():
    found = nowcast(today(1.3), USUAL)
    assert found is not None
    more = found.values / USUAL[48:]
    assert 1.25 < more[0] < 1.35 and more[-1] > 1.15


def test_what_passed_quickly_so_far_today_is_taken_to_pass_quickly_again():
    noise = np.random.default_rng(3).normal(0, 150, 48)  # nothing lasts
    found = nowcast(USUAL[:48] + noise, USUAL)
    assert found is not None and found.keep <= 0.85
    steady = nowcast(today(1.3, noise=2.0), USUAL)
    assert steady is not None and steady.keep >= 0.97


def test_the_band_holds_about_four_of_five_on_days_like_these():
    inside = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        day = USUAL * 1.2 + rng.normal(0, 1.8, len(USUAL)) * np.sqrt(USUAL)  # counts vary with their square root
        found = nowcast(day[:48], USUAL)
        assert found is not None
        inside.append(((day[48:] >= found.low) & (day[48:] <= found.high)).mean())
    assert 0.72 <= np.mean(inside) <= 0.9


def test_with_little_of_today_known_there_is_a_value_without_a_band():
    found = nowcast(today(length=8), USUAL[: 8 + STEPS])
    assert found is not None and np.isnan(found.low).all() and found.n < 12


def test_gaps_are_left_out_and_nothing_known_is_nothing_said():
    past = today(1.2)
    past[10:20] = np.nan
    past[-2] = np.nan
    assert nowcast(past, USUAL) is not None
    past[-6:] = np.nan
    assert nowcast(past, USUAL) is None
    assert nowcast(today(), np.where(np.arange(60) > 50, np.nan, USUAL)) is None


def test_a_usual_day_of_the_wrong_length_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="needs 60 steps"):
        nowcast(today(), USUAL[:50])


values = st.lists(st.floats(0, 3000) | st.just(float("nan")), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(values, st.integers(0, 10**6))
def test_never_below_zero_nor_above_the_bound_and_the_band_holds_the_value(past, seed):
    usual = np.random.default_rng(seed).uniform(0, 1500, len(past) + STEPS)
    found = nowcast(np.array(past), usual, high=2000.0)
    if found is None:
        return
    assert (found.values >= 0).all() and (found.values <= 2000).all()
    known = ~np.isnan(found.low)
    assert (found.low[known] <= found.values[known]).all() and (found.high[known] >= found.values[known]).all()
