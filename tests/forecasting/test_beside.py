# SPDX-License-Identifier: Apache-2.0
"""Holidays and weather beside the series: as known at the origin, never as they came."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from smartcity.forecasting import checks, engine
from smartcity.forecasting.beside import (
    Events,
    Holidays,
    Known,
    Sunshine,
    Temperature,
    Together,
    Vintage,
    Window,
    columns,
)
from smartcity.forecasting.methods import METHODS, NAIVE, suited
from smartcity.forecasting.ranking import Standing
from smartcity.kernel.forecasts import Tier
from tests.forecasting.build import HOUR_MS, NOW, TARGET, daily, ending_now

DAYS = 60
START = NOW - NOW % HOUR_MS - DAYS * 24 * HOUR_MS


def weather(days=DAYS + 3, seed=2):
    """Around freezing, mild and cold spells of days, colder by night."""
    spells = np.repeat(np.convolve(np.random.default_rng(seed).normal(0, 8, days + 4), np.ones(5) / 2.2, "valid"), 24)
    return 5 + spells + 3 * np.sin(2 * np.pi * np.arange(days * 24) / 24)


def heated(temperature):
    """Each degree below 15 costs five."""
    return daily(DAYS + 3, noise=3) + 5 * np.maximum(15 - temperature, 0)


def known(temperature, foreseen=True):
    measured = Vintage(0, START, 3600, temperature[: DAYS * 24])
    return Temperature(Known([Vintage(START, START, 3600, temperature)] if foreseen else [], measured=measured))


def error(beside):
    temperature = weather()
    values = heated(temperature)
    told = engine.forecast(ending_now(values[: DAYS * 24]), TARGET, suited(Tier.LIGHT), NOW, beside)
    return float(np.abs(told.median - values[DAYS * 24 : DAYS * 24 + 24]).mean()), told


def test_who_knows_tomorrow_s_cold_foresees_tomorrow_s_load():
    without, _ = error(None)
    with_it, told = error(known(weather()))
    assert with_it < 0.6 * without
    assert "It reckons with temperature." in told.note


def test_weather_that_was_not_foreseen_is_left_out_and_said_so():
    without, _ = error(None)
    blind, told = error(known(weather(), foreseen=False))
    assert blind == pytest.approx(without)
    assert "not foreseen this time: temperature" in told.note


def test_a_window_of_the_backtest_sees_the_forecast_of_its_day_and_not_what_came():
    temperature = weather()
    wrong = np.full(len(temperature), -40.0)
    early, late = Vintage(START + 10 * HOUR_MS, START, 3600, wrong), Vintage(NOW, START, 3600, temperature)
    both = Temperature(Known([late, early], measured=Vintage(0, START, 3600, temperature)))
    at = START + 20 * HOUR_MS
    cold = both.seen(at, START + 10 * HOUR_MS, 3600, 20)[0]
    np.testing.assert_allclose(cold[:10], np.maximum(15 - temperature[10:20], 0))
    assert (cold[10:] == 55).all()


def test_holidays_are_those_of_the_city_s_clock():
    midsummer = int(np.datetime64("2026-06-18T00:00", "ms").astype(np.int64))
    column = Holidays("FI", ZoneInfo("Europe/Helsinki")).seen(0, midsummer, 3600, 96)[0]
    free = np.flatnonzero(column) + 3
    assert free[0] == 24 and column.sum() == 48, "midsummer eve and day begin at 21:00 UTC the evening before"


def test_a_column_that_never_differed_or_is_hardly_known_is_not_used():
    temperature = np.full((DAYS + 3) * 24, 18.0)
    both = Together((known(temperature), Holidays("FI", ZoneInfo("Europe/Helsinki"))))
    found = columns(both, START, 3600, DAYS * 24, 24)
    assert "temperature" not in found.names
    patchy = weather()
    patchy[: 30 * 24] = np.nan
    assert "temperature" in columns(known(patchy), START, 3600, DAYS * 24, 24).missing


@pytest.mark.parametrize("name", [name for name in suited(Tier.LIGHT) if name not in {NAIVE, "profile"}])
def test_every_method_that_can_does_use_it(name):
    temperature = weather()
    values = heated(temperature)
    seen = {}
    for beside in (None, known(temperature)):
        told = engine.issue(
            [ending_now(values[: DAYS * 24])], TARGET, [Standing((name, NAIVE), windows=3)], NOW, beside
        )[0]
        assert told.method == name
        seen[beside is None] = np.abs(told.median - values[DAYS * 24 : DAYS * 24 + 24]).mean()
    assert seen[False] < seen[True]
    assert METHODS[name].tier is Tier.LIGHT


def test_a_country_that_is_not_known_is_said_at_start(settings):
    for good in ("", "FI", "DE-BY"):
        settings.HOLIDAYS = good
        assert checks.known_holidays() == []
    for bad in ("Finland", "DE-XX"):
        settings.HOLIDAYS = bad
        (problem,) = checks.known_holidays()
        assert bad in problem.msg and problem.hint


def test_what_was_not_known_before_the_first_forecast_of_the_weather_spoils_nothing_after_it():
    temperature = weather()
    short = Temperature(Known([Vintage(START + day * 24 * HOUR_MS, START + day * 24 * HOUR_MS, 3600,
                                       temperature[day * 24 :]) for day in range(4, DAYS)]))  # fmt: skip
    seen = short.seen(NOW, START, 3600, DAYS * 24 + 24)
    assert np.isnan(seen[:, : 4 * 24]).all() and np.isfinite(seen[:, 6 * 24 :]).all()
    assert columns(short, START, 3600, DAYS * 24, 24).names == ("temperature",)


def test_of_the_past_too_the_newest_forecast_that_was_known_counts():
    day = 24 * HOUR_MS
    first, second = Vintage(0, 0, 3600, np.full(72, 1.0)), Vintage(day, day, 3600, np.full(24, 2.0))
    known = Known([second, first])
    hours = np.arange(0, 72, 12) * HOUR_MS
    np.testing.assert_array_equal(known.at(day - 1, hours), [1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(known.at(day, hours), [1, 1, 2, 2, 1, 1])
    assert np.isnan(known.at(-1, hours)).all() and np.isnan(Known([]).at(day, hours)).all()
    stale = Known([first], stale_s=3600)
    np.testing.assert_array_equal(np.isnan(stale.at(day, hours)), [False, False, True, True, True, True])


def test_two_warm_hours_do_not_make_a_heat_wave():
    temperature = np.full((DAYS + 3) * 24, 19.0)
    temperature[100:102] = 20.5
    temperature[DAYS * 24 :] = 35.0
    hot = columns(known(temperature), START, 3600, DAYS * 24, 24).values[:, DAYS * 24 :]
    assert 1 < np.abs(hot).max() < 2.5, "fifteen degrees of heat, where eight are worth mentioning"


def test_a_roof_s_sun_is_a_column_as_it_is():
    sun = Sunshine(Known([Vintage(START, START, 3600, np.arange(48.0))]))
    np.testing.assert_array_equal(sun.seen(START, START, 3600, 48)[0], np.arange(48))
    assert columns(sun, START, 3600, 24, 24).names == ("sunshine",)


def test_events_teach_the_next_one_of_their_kind():
    starts = [START + (day * 24 + 18) * HOUR_MS for day in (3, 11, 16, 22, 30, 35, 41, 48, 55, 60)]
    windows = tuple(Window("matches", at, at + 3 * HOUR_MS, 0, 0, entered_ms=START) for at in starts)
    values, hours = daily(DAYS + 1, noise=3), START + np.arange((DAYS + 1) * 24) * HOUR_MS
    values += 50 * np.sum([one.effect(hours + HOUR_MS // 2) for one in windows], axis=0)
    told = {
        beside is None: engine.forecast(ending_now(values[: DAYS * 24]), TARGET, suited(Tier.LIGHT), NOW, beside)
        for beside in (None, Events(windows))
    }
    off = {key: np.abs(one.median - values[DAYS * 24 :])[18:21].mean() for key, one in told.items()}
    assert off[False] < 0.5 * off[True] and "It reckons with matches." in told[False].note
