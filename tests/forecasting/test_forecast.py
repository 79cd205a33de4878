# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np

from smartcity.forecasting.forecast import Basis, Forecast

STEP = 900_000
START = 1_795_593_600_000
LEVELS = (0.1, 0.5, 0.9)


def forecast(steps=96) -> Forecast:
    """The median counts the steps, the band is one either way."""
    values = np.arange(steps) + np.array([[-1.0], [0.0], [1.0]])
    return Forecast(
        issued_at_ms=START, start_ms=START, step_s=900, levels=LEVELS, values=values, method="seasonal_naive",
        basis=Basis.MODEL, note="",
    )  # fmt: skip


def test_the_band_is_that_of_the_step_which_holds_the_instant():
    assert forecast().band(START + STEP - 1) == (-1, 0, 1)
    assert forecast().band(START + STEP) == (0, 1, 2)
    assert forecast().band(START - 1) is None and forecast().band(START + 96 * STEP) is None
    assert forecast(0).band(START) is None


def test_the_highest_is_taken_over_every_step_the_span_touches():
    assert forecast().highest(0.9, START, START + STEP) == 1
    assert forecast().highest(0.9, START, START + STEP + 1) == 2
    assert forecast().highest(0.5, START - 10 * STEP, START + 500 * STEP) == 95
    assert forecast().highest(0.9, START - 2 * STEP, START) is None
    assert forecast().highest(0.9, START + 96 * STEP, START + 99 * STEP) is None
    assert forecast(0).highest(0.9, START, START + STEP) is None


def test_a_day_ahead_is_answered_by_a_forecast_an_hour_old_with_yesterdays_last_hour():
    times = START + 4 * STEP + STEP * np.arange(96)
    median = forecast().median_at(times)
    assert median is not None and median.tolist() == [*range(4, 96), 0, 1, 2, 3]


def test_a_forecast_shorter_than_a_day_holds_its_last_value():
    median = forecast(8).median_at(START + STEP * np.arange(12))
    assert median is not None and median.tolist() == [*range(8), 7, 7, 7, 7]


def test_a_forecast_that_has_run_out_says_nothing():
    assert forecast().median_at(np.array([START + 96 * STEP])) is None
    assert forecast().median_at(np.array([START - 1])) is None
    assert forecast(0).median_at(np.array([START])) is None
