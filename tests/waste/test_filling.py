# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waste import filling
from waste.filling import Filling

HOURS = 28 * 24


def sawtooth(rate, days=28, start=0.0, noise=0.0):
    """Hourly levels of a container emptied when it passes 85 %."""
    dice, level, found = np.random.default_rng(1), start, []
    for _ in range(days * 24):
        level = level + rate / 24 if level < 85 else 1.0
        found.append(level + dice.normal(0, noise) if noise else level)
    return np.clip(np.array(found), 0, 100)


def test_every_emptying_is_found_and_nothing_else():
    fill = sawtooth(20, noise=0.8)
    assert len(filling.emptyings(fill)) == int(np.sum(np.diff(sawtooth(20)) < -25))


def test_one_false_reading_is_no_emptying():
    fill = sawtooth(3, days=10, start=40)
    fill[100] = 0.0
    assert filling.emptyings(fill) == []


def test_the_rate_of_a_steady_container_is_learned_through_gaps_and_emptyings():
    fill = sawtooth(20, noise=0.5)
    fill[np.random.default_rng(2).random(len(fill)) < 0.3] = np.nan
    found = filling.learn(fill)
    assert found and found.is_own and found.mean == pytest.approx(20, rel=0.1)


@pytest.mark.parametrize("fill", [np.array([]), np.full(HOURS, np.nan), np.array([5.0, np.nan]), np.full(HOURS, 100.0)])
def test_nothing_is_claimed_from_nothing(fill):
    assert filling.learn(fill) is None


def test_few_days_lean_on_the_others_say_so_and_widen_the_band():
    many = [sawtooth(rate) for rate in (18, 20, 22)]
    short = np.full(HOURS, np.nan)
    short[-40:] = sawtooth(40, days=2)[:40]
    *own, leaning = filling.learn_all([*many, short])
    assert leaning and own[0] and own[1]
    assert not leaning.is_own and "only" in leaning.words and "similar containers" in leaning.words
    assert own[0].mean < leaning.mean < 40
    assert leaning.variance > own[1].variance


def test_where_nobody_has_a_past_nothing_stands_in():
    assert filling.learn_all([np.full(HOURS, np.nan)] * 2) == [None, None]


@given(
    level=st.floats(0, 110),
    age=st.floats(0, 100),
    mean=st.floats(0.5, 80),
    variation=st.floats(0.15, 2),
)
def test_the_band_is_in_order_and_risk_never_falls(level, age, mean, variation):
    known = Filling(mean, (variation * mean) ** 2, 20, True)
    band = filling.time_to_full(level, age, known)
    known_ends = [end for end in (band.early_h, band.median_h, band.late_h) if end is not None]
    assert known_ends == sorted(known_ends) and all(end >= 0 for end in known_ends)
    risk = filling.chance(level, known, np.arange(0, 200.0))
    assert np.all(np.diff(risk) >= -1e-9) and np.all((risk >= 0) & (risk <= 1))


def test_a_full_container_is_full_now():
    assert filling.time_to_full(100, 0, Filling(20, 16, 20, True)).late_h == 0.0


def test_the_band_holds_what_it_promises_on_days_like_those_learned():
    dice, known = np.random.default_rng(5), Filling(20.0, 36.0, 30, True)
    shape, scale = known.mean**2 / known.variance, known.variance / known.mean
    path = np.cumsum(dice.gamma(shape / 24, scale, (4000, 20 * 24)), axis=1)
    full_after = (path < 60).sum(axis=1)
    band = filling.time_to_full(40, 0, known)
    inside = np.mean((full_after >= band.early_h) & (full_after <= band.late_h))
    assert 0.75 < inside < 0.85


def test_the_newest_days_count_most():
    slow, fast = sawtooth(10, days=14), sawtooth(30, days=14)
    found = filling.learn(np.concatenate([slow, fast]))
    assert found and 22 < found.mean < 30


def test_a_reading_a_day_after_an_emptying_does_not_gainsay_it():
    fill = np.full(60, np.nan)
    fill[[9, 10, 50]] = 85, 0, 80
    assert filling.emptyings(fill) == [10]
