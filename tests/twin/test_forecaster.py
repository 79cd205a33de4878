# SPDX-License-Identifier: Apache-2.0
"""The simulated city's weather service: its files are read like any other's, and it errs more the further ahead."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from smartcity.forecasting.weather_source import Recorded
from smartcity.twin.forecaster import EVERY_MS, HOUR_MS, PAST_MS, Forecaster
from smartcity.twin.weather import Weather

NOW = 1_795_593_600_000 + 2 * HOUR_MS
HELSINKI = (24.94, 60.17)


def service(folder: Path, seed=1):
    return Forecaster(Weather(HELSINKI, seed), seed, folder)  # type: ignore[arg-type]


def test_it_has_said_eight_weeks_and_goes_on_every_six_hours(tmp_path):
    one = service(tmp_path / "weather")
    assert one.is_due(NOW)
    one.write(NOW)
    source = Recorded(tmp_path / "weather")
    issued = [found.issued_ms for found in source.fetch(NOW, NOW - PAST_MS - EVERY_MS)]
    newest = NOW - NOW % EVERY_MS
    assert issued == list(range(newest - PAST_MS, newest + 1, EVERY_MS))
    assert not one.is_due(NOW + HOUR_MS) and one.is_due(newest + EVERY_MS)
    one.write(newest + EVERY_MS)
    assert [found.issued_ms for found in source.fetch(newest + EVERY_MS, newest)] == [newest + EVERY_MS]
    assert len(list((tmp_path / "weather").iterdir())) <= len(issued) + 1


def test_it_says_the_same_again_and_is_wronger_the_further_ahead(tmp_path):
    one, weather = service(tmp_path), Weather(HELSINKI, 1)
    assert one.said(NOW - NOW % EVERY_MS) == service(tmp_path).said(NOW - NOW % EVERY_MS)
    off = []
    for back in range(60):
        at = NOW - NOW % EVERY_MS - back * EVERY_MS
        said = one.said(at)
        came = [weather.temperature(at + k * HOUR_MS) for k in range(168)]
        off.append(np.abs(np.array(said["temperature_c"][:168]) - came))
    error = np.mean(off, axis=0)
    assert 0.3 < error[23] < 1.0 < error[167] < 2.5
    json.dumps(said)
