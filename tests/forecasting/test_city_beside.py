# SPDX-License-Identifier: Apache-2.0
"""What stands beside the city's series: weather where it is wanted, events where they are, words for what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from smartcity import declared
from smartcity.api.audit import Actor
from smartcity.devices.models import Asset, Zone
from smartcity.forecasting import city_beside, events, pins, read, runner, weather
from smartcity.forecasting.bulletin import Bulletin
from smartcity.forecasting.events import Wish
from smartcity.forecasting.methods import NAIVE
from smartcity.forecasting.models import Calibration, IssuedForecast
from tests.forecasting.conftest import DAY, HOUR, METER, NOW, days
from tests.forecasting.test_weather import Told

ANNA = Actor("anna")
QUARTER = 900_000
pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])]


def enter(start, end, *, at_ms=NOW - 50 * DAY, kind="match", **more):
    wish = Wish(name="Derby", kind=kind, start=start, end=end, reason="the fixture list", **more)
    return events.enter(wish, by=ANNA, now_ms=at_ms)


def end_of(now_ms=NOW):
    return now_ms - now_ms % QUARTER


def with_matches(values, starts, size=80.0):
    """Four hours each in which the load is so much higher."""
    out, first = values.copy(), end_of() - len(values) * QUARTER
    for start in starts:
        step = (start - first) // QUARTER
        out[step : step + 16] += size
    return out


EVENING = NOW - NOW % DAY + 17 * HOUR
PLAYED = [EVENING - back * DAY for back in (3, 8, 12, 17, 23, 26, 33, 37, 42, 46)]
COMING = EVENING + (DAY if EVENING + 4 * HOUR < NOW else 0)


def width(found, at_ms):
    return found.value_at(at_ms, 0.9) - found.value_at(at_ms, 0.1)


def at_match(found):
    return float(np.mean([found.value_at(COMING + k * HOUR + QUARTER) for k in range(4)]))


def test_matches_that_were_teach_what_the_next_one_does(grid):
    values = with_matches(days(50), PLAYED)
    meter, elsewhere = grid.meter(values), grid.meter(values, zone=Zone.objects.create(code="north", name="North"))
    for start in [*PLAYED, COMING]:
        enter(start, start + 4 * HOUR, zone="centre", expected_percent=400.0)
    runner.refresh(NOW)
    found = read.latest([meter, elsewhere])
    usual = 100 + 60 * np.sin(2 * np.pi * ((COMING - end_of()) / QUARTER + np.arange(16)) / 96).mean()
    assert at_match(found[meter]) > at_match(found[elsewhere]) + 25
    assert "It reckons with matches." in found[meter].note and "matches" not in found[elsewhere].note
    assert "The history knows no" not in found[meter].note and at_match(found[meter]) < usual + 120


def test_of_a_kind_that_never_was_an_operator_s_word_stands_and_the_band_is_wider(grid):
    meter, free = grid.meter(days(30)), grid.meter(days(30), uid="far", kind="meter")
    Asset.objects.filter(uid="far").update(zone=Zone.objects.create(code="north", name="North"))
    for percent in (50.0, 20.0):  # somebody else enters it too: the stronger counts, not both
        enter(COMING, COMING + 4 * HOUR, zone="centre", expected_percent=percent)
    runner.refresh(NOW)
    found = read.latest([meter, free])
    told, plain = found[meter], found[free]
    assert at_match(told) == pytest.approx(1.5 * at_match(plain), rel=0.02)
    middle = COMING + 2 * HOUR + QUARTER
    assert width(told, middle) > 1.5 * width(plain, middle) + 0.4 * at_match(plain)
    assert told.value_at(COMING - HOUR) == pytest.approx(plain.value_at(COMING - HOUR), rel=0.01)
    said = "The history knows no matches, so what is expected stands, with a wider band: anna's +50 % for Derby ("
    assert said in told.note
    assert "matches" not in plain.note


def test_where_nobody_said_what_to_expect_that_is_said(grid):
    meter = grid.meter(days(30))
    enter(COMING, COMING + 4 * HOUR)
    runner.refresh(NOW)
    note = read.latest([meter])[meter].note
    assert "The history knows no matches, and nobody has said what to expect of Derby (" in note


def test_what_was_entered_late_or_cancelled_does_not_count(grid):
    meter = grid.meter(days(30))
    enter(COMING, COMING + 4 * HOUR, at_ms=NOW + HOUR, expected_percent=50.0)
    over = enter(COMING, COMING + 4 * HOUR, at_ms=NOW - HOUR, expected_percent=50.0)
    events.cancel(over, by=ANNA, reason="rain", now_ms=NOW - HOUR // 2)
    runner.refresh(NOW)
    assert "matches" not in read.latest([meter])[meter].note


def test_a_batch_is_cut_only_where_events_are(grid, django_assert_max_num_queries):
    meters = [grid.meter(days(1)) for _ in range(3)]
    with django_assert_max_num_queries(1):
        (whole,) = city_beside.parts(meters, METER, NOW)
    assert whole.rows == (0, 1, 2) and whole.beside is None and whole.words == ""
    Asset.objects.filter(uid="M-1").update(zone=Zone.objects.create(code="north", name="North"))
    enter(NOW - DAY, NOW - DAY + HOUR, zone="north")
    with django_assert_max_num_queries(2):
        cut = city_beside.parts(meters, METER, NOW)
    assert {part.rows for part in cut} == {(0, 2), (1,)}
    assert [part.beside is None for part in sorted(cut, key=lambda part: part.rows)] == [True, False]


def cold(seed=4):
    """A temperature for 62 days from 52 days before NOW, spells of days."""
    spells = np.repeat(np.convolve(np.random.default_rng(seed).normal(0, 8, 66), np.ones(5) / 2.2, "valid"), 24)
    return 2 + spells


def issued_daily(air, wrong=0.0):
    first = end_of() - end_of() % DAY - 52 * DAY
    made = []
    for day in range(53):
        rows = air[day * 24 : day * 24 + 9 * 24] + wrong * np.arange(9 * 24)[: len(air) - day * 24] / 24
        made.append(Bulletin(first + day * DAY, first + day * DAY, 3600, {"temperature": rows}))
    return first, made


def heated(grid, monkeypatch):
    air = cold()
    first, made = issued_daily(air)
    values = days(50)
    at = end_of() - QUARTER * np.arange(len(values), 0, -1)
    values = values + 6 * np.maximum(15 - air[(at - first) // HOUR], 0)
    target = replace(METER, weather=("temperature",))
    monkeypatch.setattr(declared, "targets", lambda: (target,))
    truth_at = end_of() + QUARTER * np.arange(96)
    return (
        grid.meter(values),
        made,
        lambda found: float(
            np.abs(found.median - (days(51)[-96:] + 6 * np.maximum(15 - air[(truth_at - first) // HOUR], 0))).mean()
        ),
    )


def test_all_batches_ask_one_sky(django_assert_num_queries):
    made = issued_daily(cold())[1]
    weather.take(Told(*made), NOW)
    target = replace(METER, weather=("temperature",))
    with django_assert_num_queries(2):
        over = city_beside.sky(target, NOW)
    with django_assert_num_queries(1):  # of events, which have places
        (part,) = city_beside.parts([1, 2], target, NOW, over)
    assert part.beside is over.beside and part.words.startswith("Weather as of")


def test_a_load_that_follows_the_cold_is_foreseen_with_the_weather_and_says_of_when_it_is(grid, monkeypatch):
    meter, made, error = heated(grid, monkeypatch)
    runner.refresh(NOW)
    without = error(read.latest([meter])[meter])
    assert "weather" not in read.latest([meter])[meter].note.lower()
    for model in (Calibration, IssuedForecast):
        model.objects.all().delete()
    runner.refresh(NOW, fetch=lambda now_ms: weather.take(Told(*made), now_ms))
    found = read.latest([meter])[meter]
    assert error(found) < 0.7 * without
    assert "It reckons with temperature." in found.note and "from the weather service." in found.note


def test_the_same_load_without_news_of_the_weather_is_foreseen_as_before_and_says_so(grid, monkeypatch):
    meter, made, _ = heated(grid, monkeypatch)
    runner.refresh(NOW, fetch=lambda now_ms: weather.take(Told(*made[:-3]), now_ms))
    found = read.latest([meter])[meter]
    assert not found.is_empty
    assert "The weather is left out: the newest forecast of it, from the weather service, is" in found.note


def test_a_method_that_looks_at_nothing_beside_does_not_claim_to(grid, monkeypatch):
    meter, made, _ = heated(grid, monkeypatch)
    weather.take(Told(*made), NOW)
    pins.place("test.load", "meter", series=meter, method=NAIVE, reason="a test", by=ANNA, now_ms=NOW - HOUR)
    runner.refresh(NOW)
    note = read.latest([meter])[meter].note
    assert note.startswith("Seasonal naive") and "reckons" not in note and "Weather" not in note


def test_whatever_becomes_of_the_weather_forecasts_are_made(grid):
    meter = grid.meter(days(30))

    def broken(now_ms):
        raise ZeroDivisionError

    report = runner.refresh(NOW, fetch=broken)
    assert report.issued == 1 and report.failed == ["weather"]
    assert not read.latest([meter])[meter].is_empty
