# SPDX-License-Identifier: Apache-2.0
"""How likely a threshold is crossed and which hour holds the peak."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.forecasting import chances
from smartcity.kernel.forecasts import LEVELS

NORMAL = np.array([NormalDist(100, 10).inv_cdf(level) for level in LEVELS])
BAND = np.repeat(NORMAL[:, None], 24, axis=1)
ANYWHERE = {"low": -np.inf, "high": np.inf}


@pytest.mark.parametrize(("above", "wanted"), [(100, 0.5), (110, 0.159), (87, 0.903), (125, 0.0062), (140, 0.0001)])
def test_the_chance_of_one_step_is_near_that_of_the_distribution_behind_the_quantiles(above, wanted):
    found = 1 - chances.below(BAND, LEVELS, above)
    assert found[0] == pytest.approx(wanted, abs=0.012)


def test_where_nothing_can_come_nothing_is_crossed():
    dark = np.zeros((len(LEVELS), 4))
    drawn = chances.paths(dark, LEVELS, 0.5, low=0.0, high=10.0)
    found = chances.crossing(dark, LEVELS, drawn, 1.0)
    assert (found.once, found.least, found.most) == (0.0, 0.0, 0.0) and drawn.max() == 0


@given(st.lists(st.floats(0, 100), min_size=7, max_size=7), st.floats(-50, 200))
def test_a_chance_is_one_and_falls_with_the_threshold(values, above):
    band = np.sort(np.array(values))[:, None]
    here, higher = (1 - chances.below(band, LEVELS, at)[0] for at in (above, above + 1.0))
    assert 0 <= higher <= here + 1e-12 <= 1 + 1e-9


@pytest.mark.parametrize("alike", [0.0, 0.6, 0.99])
def test_drawn_courses_keep_the_quantiles_of_each_step(alike):
    drawn = chances.paths(BAND, LEVELS, alike, **ANYWHERE)
    assert np.allclose(np.quantile(drawn, LEVELS, axis=0), BAND, atol=0.2)
    beyond = NormalDist(100, 10).inv_cdf(0.999)  # farther out than any quantile that was issued
    assert (drawn.max(axis=0) > beyond - 3).all() and (drawn.min(axis=0) < 200 - beyond + 3).all()


def test_once_in_a_day_lies_between_what_holds_whatever_goes_together():
    apart, together = (
        chances.crossing(BAND, LEVELS, chances.paths(BAND, LEVELS, alike, **ANYWHERE), 115) for alike in (0.0, 0.99)
    )
    for one in (apart, together):
        assert one.least <= one.once <= one.most
    assert apart.once == pytest.approx(1 - (1 - apart.least) ** 24, abs=0.03)
    assert together.least == apart.least and together.once < 0.5 * apart.once


def test_the_record_says_how_errors_go_together():
    rng, found = np.random.default_rng(3), []
    for _ in range(8):
        state = rng.standard_normal()
        course = []
        for _ in range(96):
            state = 0.9 * state + np.sqrt(1 - 0.81) * rng.standard_normal()
            course.append(NormalDist().cdf(state))
        found.append(np.array(course))
    assert chances.learnt_persistence(found) == pytest.approx(0.9, abs=0.04)
    assert chances.learnt_persistence(found[:1]) is None
    assert chances.persistence(3 * 3600) == 0.5


def test_the_hour_of_the_peak_is_found_with_its_chance():
    course = 100 + 40 * np.exp(-((np.arange(24) - 17) ** 2) / 2)
    band = course + (NORMAL - 100)[:, None] * 0.3
    found = chances.peak(chances.paths(band, LEVELS, 0.8, **ANYWHERE), np.arange(24))
    assert found.hours.argmax() == 17 and found.hours.sum() == pytest.approx(1) and found.hours[17] > 0.9
    assert found.height[0] < found.height[1] < found.height[2] and found.height[1] == pytest.approx(140, abs=3)
    assert chances.likeliest(found.hours) == (17, 17)
    assert chances.likeliest(np.array([0.0, 0.3, 0.25, 0.3, 0.15])) == (1, 3)
