# SPDX-License-Identifier: Apache-2.0
"""What a forecast is made of, and what a change of what stands beside it would do."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from smartcity.forecasting import engine, parts, whatif
from smartcity.forecasting.beside import Holidays, Known, Temperature, Together, Vintage
from smartcity.forecasting.series import Panel, panel
from smartcity.kernel.forecasts import Tier
from tests.forecasting.build import HOUR_MS, NOW, TARGET, daily, ending_now

UTC = ZoneInfo("UTC")
WEEKS = 56
ROOT = Path(__file__).resolve().parent.parent.parent
WITHOUT = """
import sys
from tests.forecasting import test_parts as t
from smartcity.forecasting import parts, insight
learnt = parts.learn(t.past(t.daily(56, noise=3.0)), t.TARGET)
parts.parts(learnt, t.median(t.daily(56)))
print(*{name.split(".")[0] for name in sys.modules})
"""


def past(values, beside=None) -> Panel:
    return panel([ending_now(values)], now_ms=NOW, steps=len(values), beside=beside)


def median(values):
    return engine.forecast(ending_now(values), TARGET, ("closed_form",), NOW).median


def named(found, name):
    return next(part for part in found if part.name == name)


def test_the_parts_add_up_to_the_forecast_and_the_day_makes_most_of_it():
    values = daily(WEEKS, noise=3.0)
    said = median(values)
    found = parts.parts(parts.learn(past(values), TARGET), said)
    assert [part.name for part in found] == [parts.LEVEL, parts.DAY, parts.WEEK, parts.REST]
    assert np.allclose(np.sum([part.values for part in found], axis=0), said)
    assert (named(found, parts.DAY).share or 0) > 0.8 and sum(part.share or 0 for part in found) == pytest.approx(1)
    assert np.ptp(named(found, parts.DAY).values) == pytest.approx(120, abs=8)
    assert np.abs(named(found, parts.REST).values).max() < 12


def test_a_quiet_weekend_is_in_the_week():
    at = np.arange(WEEKS * 24) // 24
    learnt = parts.learn(past(daily(WEEKS, noise=1.0)), replace(TARGET, horizon_steps=168))
    week = named(parts.parts(learnt, np.zeros(168)), parts.WEEK).values.reshape(7, 24).mean(axis=1)
    quiet = [(at[-1] + 1 + k) % 7 >= 5 for k in range(7)]
    assert week[quiet].mean() - week[~np.array(quiet)].mean() == pytest.approx(-30, abs=5)


def test_gaps_and_a_short_past_are_no_trouble_and_too_short_a_one_is_said():
    values = daily(WEEKS, noise=3.0)
    values[:300] = values[500:560] = np.nan
    found = parts.parts(parts.learn(past(values), TARGET), np.full(24, 100.0))
    assert np.ptp(named(found, parts.DAY).values) == pytest.approx(120, abs=8)
    assert named(found, parts.LEVEL).values == pytest.approx(92, abs=4)
    few = parts.parts(parts.learn(past(daily(6)), TARGET), np.full(24, 100.0))
    assert parts.WEEK not in [part.name for part in few] and few[0].share is None
    for nothing in (daily(1), np.full(200, np.nan)):
        with pytest.raises(parts.TooShort, match="Two days"):
            parts.learn(past(nothing), TARGET)


def warm(values, *, foreseen):
    """Every degree above 20 costs four units; whether tomorrow's weather is known."""
    start = NOW - NOW % HOUR_MS - len(values) * HOUR_MS
    degrees = (
        22 + 6 * np.sin(np.arange(len(values) + 48) / 29) + np.random.default_rng(5).normal(0, 1, len(values) + 48)
    )
    measured = Vintage(NOW, start, 3600, degrees[: len(values)])
    forecast = Vintage(NOW - HOUR_MS, start, 3600, degrees)
    shown = values + 4 * np.maximum(degrees[: len(values)] - 20, 0)
    return shown, Temperature(Known((forecast,) if foreseen else (), measured=measured))


def test_three_degrees_more_move_what_temperature_has_moved_so_far():
    shown, beside = warm(daily(WEEKS, noise=2.0), foreseen=True)
    known = past(shown, Together((Holidays("FI", UTC), beside)))
    learnt = parts.learn(known, TARGET)
    assert parts.WARMTH in [part.name for part in parts.parts(learnt, np.full(24, 100.0))]
    low, middle, high = whatif.warmer(learnt, known, TARGET, 3.0).values
    assert middle.mean() == pytest.approx(12, abs=2.5) and (low <= middle).all() and (middle <= high).all()
    # a little of it is put down to what walls remember, which a day of warmth has not filled yet
    assert low.mean() - 0.2 < 12 < high.mean() + 0.5 and 0.2 < (high - low).mean() < 2


def test_without_a_temperature_nothing_is_said_of_it():
    for beside in (None, Holidays("FI", UTC), warm(daily(WEEKS), foreseen=False)[1]):
        known = past(daily(WEEKS, noise=2.0), beside)
        with pytest.raises(whatif.CannotSay, match="Temperature is not among"):
            whatif.warmer(parts.learn(known, TARGET), known, TARGET, 3.0)


def test_a_public_holiday_is_as_those_known_have_been():
    holidays = Holidays("FI", UTC)
    plain = daily(WEEKS, noise=2.0)
    free = holidays.seen(NOW, past(plain).start_ms, 3600, len(plain))[0]
    assert free.sum() >= 24
    known = past(np.where(free > 0, plain - 40, plain), holidays)
    tomorrow = datetime.fromtimestamp(NOW // 1000, UTC).date()
    found = whatif.holiday(parts.learn(known, TARGET), known, TARGET, tomorrow, UTC)
    assert "public holidays of the last weeks" in found.words
    assert found.values[1][found.values[1] != 0].mean() == pytest.approx(-40, abs=12)


def test_without_one_a_public_holiday_is_as_a_sunday():
    at = NOW - NOW % HOUR_MS + HOUR_MS * np.arange(-WEEKS * 24, 0)
    sunday = (at // (24 * HOUR_MS) + 3) % 7 == 6  # 1970 began on a Thursday
    known = past(daily(7, noise=2.0)[np.arange(WEEKS * 24) % 24] - 40 * sunday)
    learnt = parts.learn(known, replace(TARGET, horizon_steps=168))
    target = replace(TARGET, horizon_steps=168)
    first = NOW // (24 * HOUR_MS)
    days = [date.fromordinal(date(1970, 1, 1).toordinal() + first + 1 + k) for k in range(6)]
    found = [whatif.holiday(learnt, known, target, day, UTC) for day in days if day.weekday() not in (5, 6)]
    assert len(found) >= 4 and all(one.words.startswith("As a Sunday") for one in found)
    assert all((one.values[1] != 0).sum() == 24 for one in found)
    assert all(one.values[1].sum() / 24 == pytest.approx(-40, abs=6) for one in found)
    with pytest.raises(whatif.CannotSay, match="does not reach"):
        whatif.holiday(learnt, known, target, date(2099, 1, 1), UTC)
    with pytest.raises(whatif.CannotSay, match="is a Sunday"):
        whatif.holiday(learnt, known, target, next(day for day in days if day.weekday() == 6), UTC)


def test_a_closure_takes_a_share_of_its_hours_and_of_no_other():
    forecast = engine.forecast(ending_now(daily(WEEKS, noise=3.0)), TARGET, ("closed_form",), NOW)
    start = forecast.instants_ms[4]
    found = whatif.change(forecast, -50.0, start, start + 3 * HOUR_MS)
    assert np.allclose(found.values[1, 4:7], -forecast.median[4:7] / 2) and not found.values[:, 7:].any()
    assert (found.values[0] <= found.values[1]).all() and (found.values[1] <= found.values[2]).all()
    assert np.allclose(found.on(forecast, TARGET)[1, 4:7], forecast.median[4:7] / 2)
    assert whatif.change(forecast, -100.0, start, start + HOUR_MS).on(forecast, TARGET).min() >= 0
    with pytest.raises(whatif.CannotSay):
        whatif.change(forecast, -50.0, 0, 1)


def test_a_web_process_takes_a_forecast_apart_without_prophet_or_statsmodels():
    env = {"DJANGO_SETTINGS_MODULE": "smartcity.settings", "SMARTCITY_SECRET_KEY": "x", "PATH": "/usr/bin:/bin"}
    code = "import django; django.setup()\n" + WITHOUT
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert {"prophet", "statsmodels"} & set(done.stdout.split()) == set() and "numpy" in done.stdout
    assert TARGET.tier is Tier.LIGHT
