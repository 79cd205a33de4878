# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from smartcity.forecasting import backtest, engine
from smartcity.forecasting.forecast import Basis
from smartcity.forecasting.methods import METHODS, suited
from smartcity.forecasting.ranking import Standing
from smartcity.kernel.forecasts import Tier
from tests.forecasting.build import HOUR_MS, NOW, TARGET, daily, ending_now

LIGHT = suited(Tier.LIGHT)


def foresee(values, target=TARGET, methods=LIGHT):
    return engine.forecast(ending_now(np.asarray(values)), target, methods, NOW)


def spiked():
    values = daily(40, noise=5)
    values[300] = 1e9
    return values


def gappy():
    values = daily(56, noise=5)
    values[200:1100] = np.nan
    return values


CASES = [
    ("no history", [], Basis.NOTHING, "no usable reading"),
    ("all missing", np.full(500, np.nan), Basis.NOTHING, "no usable reading"),
    ("all infinite", np.full(500, np.inf), Basis.NOTHING, "no usable reading"),
    ("all impossible", np.full(500, -7.0), Basis.NOTHING, "no usable reading"),
    ("one reading", [3.0], Basis.NOTHING, "1 usable reading cannot show a pattern"),
    ("ten readings", daily(1)[:10], Basis.FALLBACK, "too short"),
    ("ten equal readings", np.full(10, 4.0), Basis.FLATLINE, "may be stuck"),
    ("a long flat line", np.full(900, 4.0), Basis.FLATLINE, "All 900 readings are equal"),
    ("a day and a half", daily(2)[:36], Basis.FALLBACK, "Seasonal naive"),
    ("five days", daily(5, noise=5), Basis.MODEL, "past window"),
    ("six weeks", daily(42, noise=15), Basis.MODEL, "lower loss than seasonal naive in 8 past windows"),
    ("a spike of 1e9", spiked(), Basis.MODEL, "1 outside the possible range"),
    ("a long gap", gappy(), Basis.MODEL, "900 missing"),
    ("silent for a week", np.r_[daily(42, noise=5), np.full(168, np.nan)], Basis.MODEL, "newest reading is 7 days old"),
]


@pytest.mark.parametrize(("values", "basis", "says"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_whatever_the_history_there_is_an_answer_in_words(values, basis, says, caplog):
    forecast = foresee(values)
    assert forecast.basis is basis
    assert says in forecast.note
    assert forecast.horizon_steps == (0 if basis is Basis.NOTHING else 24)
    assert "failed" not in caplog.text


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.integers(0, 400),
        elements=st.floats(-1e12, 1e12) | st.sampled_from([0.0, 1.0, float("nan"), 1e9, float("inf")]),
    ),
    st.sampled_from([(24, 168), (24,), (), (1,)]),
    st.booleans(),
)
def test_quantiles_are_sorted_and_inside_the_bounds_for_any_history(values, seasons, bounded):
    target = replace(TARGET, seasons_steps=seasons)
    if not bounded:
        target = replace(target, low=float("-inf"), high=float("inf"))
    forecast = foresee(values, target)
    assert forecast.note
    assert np.isfinite(forecast.values).all()
    assert (np.diff(forecast.values, axis=0) >= 0).all()
    assert ((forecast.values >= target.low) & (forecast.values <= target.high)).all()


def test_ten_readings_get_a_band_that_widens():
    forecast = foresee(daily(1, noise=5)[:10])
    width = forecast.at(0.9) - forecast.at(0.1)
    assert width[0] > 0
    assert width[-1] > 3 * width[0]


def test_a_forecast_starts_with_the_step_that_now_falls_in():
    forecast = foresee(daily(30, noise=5))
    assert forecast.start_ms <= NOW < forecast.start_ms + HOUR_MS
    assert forecast.value_at(NOW) == forecast.median[0]
    assert forecast.value_at(forecast.end_ms) is None
    assert forecast.value_at(forecast.start_ms - 1) is None


def test_readings_after_now_change_nothing():
    values = daily(30, noise=5)
    known = ending_now(values)
    prophetic = replace(known, values=np.r_[values, np.full(24, 999.0)])
    ours, theirs = (engine.forecast(one, TARGET, LIGHT, NOW) for one in (known, prophetic))
    np.testing.assert_array_equal(ours.values, theirs.values)


def test_a_method_that_fails_hands_over_to_the_next_on_the_ladder(monkeypatch):
    honest = backtest.attempt

    def failing(method, panel, target, levels):
        out = honest(method, panel, target, levels)
        return np.full_like(out, np.nan) if method.name == "closed_form" else out

    monkeypatch.setattr(backtest, "attempt", failing)
    standing = Standing(ladder=("closed_form", "seasonal_naive"), skill=0.3, windows=14)
    (forecast,) = engine.issue([ending_now(daily(40, noise=5))], TARGET, [standing], NOW)
    assert forecast.method == "seasonal_naive"
    assert forecast.basis is Basis.FALLBACK
    assert "without harmonic ridge" in forecast.note
    assert forecast.skill is None


def test_a_method_that_diverges_hands_over_too(monkeypatch):
    honest = backtest.attempt
    monkeypatch.setattr(
        backtest,
        "attempt",
        lambda method, *rest: honest(method, *rest) * (1e6 if method.name == "closed_form" else 1),
    )
    standing = Standing(ladder=("closed_form", "seasonal_naive"), skill=0.3, windows=14)
    (forecast,) = engine.issue([ending_now(daily(40, noise=5))], TARGET, [standing], NOW)
    assert forecast.method == "seasonal_naive"


def test_a_mix_names_its_parts_and_the_one_that_gave_no_answer(monkeypatch):
    shares = np.array([[0.5], [0.3], [0.2]])
    mixed = Standing(("closed_form", "profile", "seasonal_naive"), skill=0.3, windows=8, shares=shares)
    past = [ending_now(daily(40, noise=5))]
    (forecast,) = engine.issue(past, TARGET, [mixed], NOW)
    assert (forecast.method, forecast.basis) == ("mix", Basis.MODEL)
    assert "(50%), shared weekly profile (30%) and seasonal naive (20%): 30% lower loss" in forecast.note
    honest = backtest.attempt
    monkeypatch.setattr(
        backtest, "attempt", lambda method, *rest: honest(method, *rest) * (np.nan if method.name == "profile" else 1)
    )
    (without,) = engine.issue(past, TARGET, [mixed], NOW)
    assert without.basis is Basis.FALLBACK
    assert "(71%) and seasonal naive (29%), without shared weekly profile" in without.note.replace(
        "Harmonic", "harmonic"
    )
    assert np.isfinite(without.values).all()


def test_a_record_widens_a_band_that_no_backtest_could_teach():
    past = [ending_now(daily(40, noise=5))]
    plain, wide = (
        engine.issue(past, TARGET, [Standing(("closed_form", "seasonal_naive"), width=by)], NOW)[0] for by in (1.0, 2.0)
    )
    np.testing.assert_allclose(wide.at(0.9) - wide.median, 2 * (plain.at(0.9) - plain.median))
    np.testing.assert_allclose(wide.median, plain.median)


def test_counts_are_foreseen_in_roots_and_come_back_as_counts():
    """Twice the size scatters more; a band learnt from roots is wider where the series is larger, and never below 0."""
    rng = np.random.default_rng(3)
    mean = np.where(np.arange(24 * 60) % 24 < 8, 2.0, 80.0)
    forecast = foresee(rng.poisson(mean).astype(float))
    low, high = forecast.at(0.1), forecast.at(0.9)
    night, day = slice(0, 8), slice(8, 24)
    steps = (np.array(forecast.instants_ms) // 3_600_000) % 24
    start = int(steps[0])
    low, high = np.roll(low, start), np.roll(high, start)
    offset = (NOW // 3_600_000 - 24 * 60) % 24
    low, high = np.roll(low, -offset), np.roll(high, -offset)
    assert low.min() >= 0
    assert (high - low)[night].mean() < 6 < 12 < (high - low)[day].mean()


def test_many_series_come_back_in_their_order():
    histories = [ending_now(daily(days, noise=5) * scale) for days, scale in ((40, 1), (1, 2), (20, 3), (40, 4))]
    histories.insert(2, ending_now(np.full(50, np.nan)))
    issued = engine.issue(histories, TARGET, engine.calibrate(histories, TARGET, LIGHT, NOW), NOW)
    assert [forecast.is_empty for forecast in issued] == [False, False, True, False, False]
    assert issued[4].median.mean() > 3 * issued[0].median.mean()


def test_an_80_percent_band_holds_about_80_percent():
    series = [daily(64, noise=20, seed=seed) + 60 for seed in range(30)]
    histories = [ending_now(values[:-24]) for values in series]
    issued = engine.issue(histories, TARGET, engine.calibrate(histories, TARGET, LIGHT, NOW), NOW)
    inside = [
        (values[-24:] >= forecast.at(0.1)) & (values[-24:] <= forecast.at(0.9))
        for values, forecast in zip(series, issued, strict=True)
    ]
    assert 0.74 < np.mean(inside) < 0.88


@pytest.mark.slow
def test_a_heavy_target_tries_prophet_and_statsmodels():
    hour = np.arange(42 * 24)
    values = daily(42, noise=5) + 20 * (hour // 24 % 7 == 3) * (hour % 24 > 12)
    forecast = foresee(values, replace(TARGET, tier=Tier.HEAVY), suited(Tier.HEAVY))
    assert forecast.basis is Basis.MODEL
    assert set(suited(Tier.HEAVY)) == set(METHODS)


def test_light_forecasts_never_load_the_heavy_libraries():
    """A web process reads forecasts and a light worker makes them without Prophet, pandas or statsmodels."""
    program = (
        "import sys, numpy as np\n"
        "from smartcity.forecasting import engine\n"
        "from tests.forecasting.build import *\n"
        "engine.forecast(ending_now(daily(40, noise=5)), TARGET, ('seasonal_naive', 'closed_form'), NOW)\n"
        "print([name for name in ('prophet', 'statsmodels', 'pandas', 'django') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
