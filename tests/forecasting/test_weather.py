# SPDX-License-Identifier: Apache-2.0
"""The weather is kept as it was issued, forgotten when it is old, left out when it is stale, and says which it is."""

from __future__ import annotations

import numpy as np
import pytest

from smartcity.forecasting import checks, weather
from smartcity.forecasting.bulletin import BadBulletin, Bulletin
from smartcity.forecasting.models import WeatherState, WeatherVintage
from smartcity.kernel.clock import clock

HOUR, DAY = 3_600_000, 86_400_000
NOW = 1_795_593_600_000
pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]


class Told:
    """A source that gives what it is told to."""

    name = "the weather service"

    def __init__(self, *bulletins, fails=None):
        self.bulletins, self.fails, self.asked = list(bulletins), fails, []

    def fetch(self, now_ms, since_ms):
        self.asked.append(since_ms)
        if self.fails:
            raise self.fails
        return [one for one in self.bulletins if since_ms < one.issued_ms <= now_ms]


def issued(at_ms, temperature=5.0, hours=48):
    return Bulletin(at_ms, at_ms, 3600, {"temperature": np.full(hours, temperature), "irradiance": np.zeros(hours)})


def test_what_was_issued_is_stored_once_and_never_changed():
    source = Told(issued(NOW - HOUR, 4.0), issued(NOW, 5.0))
    assert weather.take(source, NOW) == 2 and weather.take(source, NOW) == 0
    rows = WeatherVintage.objects.filter(quantity="temperature").order_by("issued_at")
    assert [(row.issued_at, float(np.frombuffer(row.values, "<f4")[0])) for row in rows] == [(NOW - HOUR, 4), (NOW, 5)]
    weather.take(Told(issued(NOW, 9.0)), NOW)
    assert float(np.frombuffer(rows[1].values, "<f4")[0]) == 5
    assert source.asked == [NOW - weather.KEPT_MS, NOW]


def test_the_first_of_each_six_hours_lives_sixty_days_the_others_two():
    start = NOW - NOW % (6 * HOUR)
    source = Told(*(issued(start + k * HOUR) for k in range(13)))
    weather.take(source, start + 12 * HOUR)
    mine = WeatherVintage.objects.filter(quantity="temperature")
    weather.forget(start + 3 * DAY)
    assert sorted(mine.values_list("issued_at", flat=True)) == [start, start + 6 * HOUR, start + 12 * HOUR]
    weather.forget(start + 61 * DAY)
    assert not mine.exists()


@pytest.mark.parametrize("problem", [BadBulletin("it answers 503."), FileNotFoundError("no such file")])
def test_what_cannot_be_had_is_counted_and_said_and_nothing_else_happens(problem):
    weather.take(Told(issued(NOW)), NOW)
    assert weather.take(Told(fails=problem), NOW + HOUR) == 0
    state = WeatherState.objects.get()
    assert (state.taken, state.failed, state.problem) == (1, 1, str(problem))
    words, is_well = weather.words(NOW + HOUR)
    assert words.startswith("Weather as of 25 Nov 10:00 from the weather service. The last attempt failed: ")
    assert not is_well
    weather.take(Told(issued(NOW + HOUR)), NOW + HOUR)
    assert weather.words(NOW + HOUR) == ("Weather as of 25 Nov 11:00 from the weather service.", True)


def test_columns_are_those_that_were_asked_for():
    weather.take(Told(issued(NOW, 5.0)), NOW)
    (air,), said = weather.beside(("temperature",), NOW)
    assert said == "Weather as of 25 Nov 10:00 from the weather service."
    assert (air.seen(NOW, NOW, 900, 8)[0] == 10).all(), "five degrees are ten of cold"
    assert len(weather.beside(("temperature", "irradiance"), NOW)[0]) == 2
    WeatherVintage.objects.filter(quantity="irradiance").delete()
    found, said = weather.beside(("temperature", "irradiance"), NOW)
    assert len(found) == 1 and said.endswith("from the weather service, which says nothing of irradiance.")
    assert weather.beside((), NOW) == ([], "")


def test_what_is_stale_is_left_out_and_said_so():
    weather.take(Told(issued(NOW, hours=200)), NOW)
    assert weather.beside(("temperature",), NOW + 30 * HOUR)[0]
    around, said = weather.beside(("temperature",), NOW + 31 * HOUR)
    assert around == []
    assert said == "The weather is left out: the newest forecast of it, from the weather service, is 31 h old."
    words, is_well = weather.words(NOW + 31 * HOUR)
    assert words.startswith("Forecasts do without the weather: the newest") and not is_well


def test_what_never_came_is_said():
    weather.take(Told(), NOW)
    assert weather.beside(("temperature",), NOW)[1] == (
        "The weather is left out: nothing has come from the weather service yet."
    )


def test_where_the_city_s_clock_was_set_back_what_is_still_to_come_is_not_known():
    weather.take(Told(issued(NOW)), NOW)
    around, said = weather.beside(("temperature",), NOW - DAY)
    assert around == [] and "still to come" in said
    earlier = Told(issued(NOW - DAY - HOUR))
    assert weather.take(earlier, NOW - DAY) == 1, "and it goes on from there"
    assert weather.beside(("temperature",), NOW - DAY)[0]


def test_machines_read_how_it_is_too(monkeypatch):
    assert weather.vitals() == {}
    monkeypatch.setattr(type(clock), "now_ms", lambda self: NOW + HOUR)
    weather.take(Told(issued(NOW)), NOW)
    weather.take(Told(fails=BadBulletin("it answers 503.")), NOW)
    assert weather.vitals() == {
        "source": "the weather service", "problem": "it answers 503.", "age_s": 3600.0, "received": 1, "failures": 1,
    }  # fmt: skip


def test_where_none_is_set_nothing_is_said_of_it():
    assert weather.take(None, NOW) == 0 and weather.beside(("temperature",), NOW) == ([], "")
    assert weather.words(NOW) == ("No weather is set up; forecasts do without it.", True)
    weather.take(Told(issued(NOW)), NOW)
    weather.take(None, NOW + HOUR)
    assert weather.beside(("temperature",), NOW + HOUR) == ([], "")


def test_a_setting_that_names_nothing_is_said_at_start(settings):
    for good in ("", "file:/srv/weather.json", "https://weather.example/v1"):
        settings.WEATHER = good
        assert checks.known_weather() == []
    settings.WEATHER = "the radio"
    (problem,) = checks.known_weather()
    assert "SMARTCITY_WEATHER is neither" in problem.msg and problem.hint
