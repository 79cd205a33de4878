# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from smartcity.forecasting import intervals, mixture, seasons
from smartcity.forecasting.methods import METHODS
from smartcity.forecasting.series import Panel
from smartcity.kernel.forecasts import Target, Tier
from tests.forecasting.build import TARGET, daily, rows

LEVELS = (0.1, 0.5, 0.9)
LIGHT = [name for name, method in METHODS.items() if method.tier is Tier.LIGHT]
HEAVY = [pytest.param(name, marks=pytest.mark.slow) for name, m in METHODS.items() if m.tier is Tier.HEAVY]


def band(name, values, target=TARGET):
    method = METHODS[name]
    return method.predict(method.fit(rows(values), target), target.horizon_steps, LEVELS)[0]


@pytest.mark.parametrize("name", [*LIGHT, *HEAVY])
def test_every_method_continues_a_clear_week(name):
    future = daily(50)[49 * 24 :]
    middle = band(name, daily(49, noise=2))[1]
    assert np.abs(middle - future).mean() < 8


@pytest.mark.parametrize("name", [*LIGHT, *HEAVY])
def test_every_method_bridges_a_gap(name):
    values = daily(49, noise=2)
    values[-400:-200] = np.nan
    assert np.abs(band(name, values)[1] - daily(50)[49 * 24 :]).mean() < 12


@pytest.mark.parametrize("name", [name for name in LIGHT if name != "direct_ridge"])
def test_a_batch_gives_each_series_what_it_gets_alone(name):
    many = [daily(30, noise=5, seed=seed) * scale for seed, scale in ((1, 1.0), (2, 30.0), (3, 0.01))]
    many[1][100:130] = np.nan
    method = METHODS[name]
    together = method.predict(method.fit(rows(*many), TARGET), 24, LEVELS)
    for row, values in enumerate(many):
        np.testing.assert_allclose(together[row], band(name, values), rtol=1e-6, atol=1e-8)


def test_naive_takes_the_season_that_served_best():
    hour = np.arange(24 * 28)
    weekly = np.where((hour // 24) % 7 == 0, 500.0, 10.0) + hour % 24
    assert np.abs(band("seasonal_naive", weekly)[1] - (500.0 + np.arange(24))).max() == 0
    fresh = np.random.default_rng(3).normal(0, 1, 28).repeat(24).cumsum()
    assert np.isfinite(band("seasonal_naive", fresh)).all()


def test_naive_looks_further_back_where_the_last_day_has_gaps():
    values = daily(28)
    expected = values[-168:-144].copy()
    values[-168:] = np.nan
    target = Target(metric="test.flow", step_s=3600, horizon_steps=24, seasons_steps=(168,))
    assert np.abs(band("seasonal_naive", values, target)[1] - expected).max() < 1e-9


def test_closed_form_equals_ridge_without_the_missing_rows():
    """Refitting on filled gaps converges to the regression that never saw them."""
    values = daily(30, noise=5)
    holes = np.random.default_rng(0).choice(len(values), 60, replace=False)
    with_gaps = values.copy()
    with_gaps[holes] = np.nan
    assert np.abs(band("closed_form", with_gaps)[1] - band("closed_form", values)[1]).mean() < 3


def test_closed_form_uses_what_the_last_day_says():
    """Where errors last for hours, three hours 40 above the usual lift the next hours, and later ones less."""
    rng = np.random.default_rng(5)
    drift = np.zeros(49 * 24)
    for hour in range(1, len(drift)):
        drift[hour] = 0.9 * drift[hour - 1] + rng.normal(0, 4)
    usual = daily(49) + drift
    lifted = usual.copy()
    lifted[-3:] += 40
    gain = band("closed_form", lifted)[1] - band("closed_form", usual)[1]
    assert gain[0] > 10
    assert gain[0] > 2 * gain[-1]


def test_spread_follows_the_hour_of_the_day():
    hour = np.arange(24 * 28)
    loud = np.where(hour % 24 >= 12, 20.0, 1.0)
    errors = np.random.default_rng(1).normal(0, 1, len(hour)) * loud
    _, ahead = seasons.phase_spread(errors[None], 24, horizon=24)
    assert ahead[0, 18] > 5 * ahead[0, 6]


def test_carried_takes_the_newest_of_the_same_phase():
    values = np.array([[1.0, 2.0, np.nan, 4.0, np.nan, np.nan]])
    np.testing.assert_array_equal(seasons.carried(values, 2), [[1, 2, 1, 4, 1, 4]])


def test_two_windows_ask_for_no_wider_band():
    wrong = np.full((1, 2, 24), 9.0)
    assert intervals.asked(np.zeros((1, 2, 3, 24)), LEVELS, wrong).tolist() == [1.0]


@pytest.mark.parametrize(("error", "wider"), [(0.2, 1.0), (4.0, 4**intervals.TRUSTED)])
def test_a_backtest_may_widen_a_band_but_never_narrow_it(error, wider):
    native = np.tile(np.array([-1.0, 0.0, 1.0])[:, None], (1, 5, 1, 24))
    assert intervals.asked(native, LEVELS, np.full((1, 5, 24), error)) == pytest.approx(wider)
    assert intervals.asked(native, LEVELS, np.full((1, 5, 24), np.nan)).tolist() == [1.0]


def test_a_mix_is_wider_where_its_methods_disagree():
    """Both sure of themselves; of one mind in the first step, not in the second."""
    one, other = np.array([[9.0, 9.0], [10.0, 10.0], [11.0, 11.0]]), np.array([[9.0, 13.0], [10.0, 14.0], [11.0, 15.0]])
    band = mixture.mixed(np.stack([one, other]), np.full((2, 2), 0.5), LEVELS)
    assert band[:, 0].tolist() == [9.0, 10.0, 11.0]
    assert band[1, 1] == 12.0 and band[2, 1] - band[0, 1] > 2.5


def test_the_far_ends_of_a_mix_are_stretched():
    levels = (0.025, 0.1, 0.5, 0.9, 0.975)
    band = mixture.mixed(np.array([[[-2.0], [-1.0], [0.0], [1.0], [2.0]]]), np.ones((1, 1)), levels)
    assert band[:, 0].tolist() == pytest.approx([-2 * mixture.FAR_BY, -1, 0, 1, 2 * mixture.FAR_BY])


def test_who_does_not_answer_is_left_to_the_others_and_nobody_is_nothing():
    told = np.ones((2, 2, 3, 4))
    told[0, 0, 1, 2] = np.nan
    told[:, 1, 0, 0] = np.nan
    band = mixture.mixed(told, np.full((2, 2, 4), 0.5), LEVELS)
    assert (band[0] == 1.0).all() and np.isnan(band[1]).all()


def test_an_empty_panel_of_gaps_breaks_no_light_method():
    for name in LIGHT:
        method = METHODS[name]
        panel = Panel(0, 3600, np.full((2, 500), np.nan))
        assert method.predict(method.fit(panel, TARGET), 24, LEVELS).shape == (2, 3, 24)


def test_the_direct_ridge_learns_from_the_others_what_a_short_history_cannot_show():
    """Nine days of noise say little; forty like it say how much yesterday counts."""
    rng = np.random.default_rng(4)

    def one():
        level = 100 + np.repeat(rng.normal(0, 30, 9).cumsum(), 24)
        return level + 40 * np.sin(2 * np.pi * np.arange(216) / 24) + rng.normal(0, 20, 216)

    many = [one() for _ in range(40)]
    past, future = np.stack([values[:-24] for values in many]), np.stack([values[-24:] for values in many])
    method = METHODS["direct_ridge"]
    together = method.predict(method.fit(rows(*past), TARGET), 24, LEVELS)[:, 1]
    alone = np.stack([band("direct_ridge", values)[1] for values in past])
    assert np.abs(together - future).mean() < 0.99 * np.abs(alone - future).mean()


def test_the_profile_of_a_sparse_counter_borrows_the_shape_of_its_neighbours():
    rng = np.random.default_rng(6)
    week = 1.5 + np.sin(2 * np.pi * np.arange(168) / 24) - 0.8 * (np.arange(168) >= 120)
    rates = np.maximum(week, 0.05)[None] * rng.uniform(0.2, 1.5, 30)[:, None]
    past = rng.poisson(np.tile(rates, (1, 4))).astype(float)
    method = METHODS["profile"]
    target = replace(TARGET, horizon_steps=168, low=float("-inf"))
    together = method.predict(method.fit(rows(*past), target), 168, LEVELS)[:, 1]
    alone = np.stack([method.predict(method.fit(rows(one), target), 168, LEVELS)[0, 1] for one in past])
    assert np.abs(together - rates).mean() < 0.8 * np.abs(alone - rates).mean()


@pytest.mark.parametrize("sure", [0.5, 1.0, 2.0])
def test_a_band_that_was_wrong_about_itself_comes_to_hold_four_fifths(sure):
    """Errors are twice as large as thought, as thought, half as large: in the end four fifths are inside."""
    rng = np.random.default_rng(8)
    miss, inside = intervals.MISSES, []
    for judged in range(400):
        half = 1.2816 * intervals.width(miss, judged)
        hit = float(np.mean(np.abs(rng.normal(0, 1 / sure, 24)) <= half))
        miss = intervals.adapt(miss, [1 - hit])
        inside.append(hit)
    assert np.mean(inside[-200:]) == pytest.approx(0.8, abs=0.02)


def test_few_records_change_no_band_and_a_stretch_keeps_the_median():
    miss = intervals.adapt(intervals.MISSES, [1.0] * 11)
    assert intervals.width(miss, 11) == 1.0 < intervals.width(miss, 12)
    band = np.array([[1.0], [3.0], [4.0]])
    np.testing.assert_allclose(intervals.stretch(band, LEVELS, 2.0)[:, 0], (-1.0, 3.0, 5.0))
