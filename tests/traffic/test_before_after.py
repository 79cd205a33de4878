# SPDX-License-Identifier: Apache-2.0
"""The interval around a difference: honest about noise, about neighbours that are alike, about too few pairs."""

from __future__ import annotations

import numpy as np
import pytest

from traffic import before_after


def course(seed, many=200, alike=0.9):
    """Noise whose neighbours are alike, as quarter hours are."""
    draw = np.random.default_rng(seed)
    value, found = 0.0, []
    for step in draw.normal(0, 1, many):
        value = alike * value + np.sqrt(1 - alike**2) * step
        found.append(value)
    return np.array(found)


def test_a_steady_gain_is_shown_with_an_interval_that_holds_it():
    before = 30 + course(1)
    found = before_after.compare(before, before - 5 + 0.3 * course(2))
    assert found is not None and found.low is not None and found.high is not None
    assert found.low < -5 < found.high < 0
    assert found.verdict == "better"


def test_noise_alone_shows_nothing_in_nine_of_ten_tries():
    """Neighbouring quarters are alike: an interval that took them as independent would fail here every second time."""
    nothing = np.zeros(200)
    tried = [before_after.compare(nothing, course(seed, alike=0.7)) for seed in range(60)]
    assert sum(found is None or found.verdict != "no difference shown" for found in tried) <= 9


def test_few_pairs_have_a_mean_but_no_interval():
    found = before_after.compare(np.zeros(10), np.ones(10))
    assert found is not None
    assert (found.difference, found.low, found.verdict) == (1.0, None, "too few quarters")


def test_no_pair_no_answer():
    assert before_after.compare(np.empty(0), np.empty(0)) is None


def test_the_same_pairs_give_the_same_interval():
    pairs = (np.zeros(64), course(3, 64))
    assert before_after.compare(*pairs) == before_after.compare(*pairs)


def test_quarters_of_the_week_known_on_one_side_only_are_left_out():
    first, second = before_after.by_week(
        np.array([1.0, 3.0, 5.0, np.nan]), np.array([0, 0, 7, 9]), np.array([10.0, 20.0]), np.array([0, 8])
    )
    assert (first.tolist(), second.tolist()) == ([2.0], [10.0])


def test_side_by_side_needs_both():
    first, second = before_after.side_by_side(np.array([1.0, np.nan, 3.0]), np.array([2.0, 2.0, np.nan]))
    assert (first.tolist(), second.tolist()) == ([1.0], [2.0])


@pytest.mark.parametrize(("low", "high", "said"), [(-2, -1, "better"), (1, 2, "worse"), (-1, 1, "no difference shown")])
def test_the_verdict_is_what_the_interval_says(low, high, said):
    assert before_after.Difference(64, 0.0, 0.0, 0.0, low, high).verdict == said
