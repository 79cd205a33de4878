# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging

import numpy as np
import pytest

from smartcity import declared
from smartcity.forecasting import packing, read, runner
from smartcity.forecasting.methods import METHODS, NAIVE
from smartcity.forecasting.models import Calibration, IssuedForecast, Score
from smartcity.forecasting.past import Shelf
from smartcity.forecasting.ranking import Standing
from smartcity.kernel.forecasts import Target
from tests.forecasting.conftest import DAY, HOUR, METER, NOW, days

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])]
LIGHT = (NAIVE, "closed_form")


def test_a_meter_with_a_past_gets_a_band_that_its_next_day_falls_into(grid):
    meter = grid.meter(days(30))
    report = runner.refresh(NOW)
    assert (report.issued, report.empty, report.calibrated, report.failed) == (1, 0, 1, [])
    found = read.latest([meter])[meter]
    assert found.start_ms == NOW - NOW % 900_000 and found.horizon_steps == 96
    truth = days(31, seed=2)[-96:]
    low, high = found.at(0.025), found.at(0.975)
    assert np.mean((truth >= low) & (truth <= high)) > 0.8
    assert np.abs(found.median - truth).mean() < 8


@pytest.mark.parametrize(
    ("past", "says", "is_empty"),
    [
        ([], "no usable reading", True),
        ([np.nan] * 50, "no usable reading", True),
        ([5.0, 6.0], "2 usable readings cannot show a pattern", True),
        (days(30)[:10], "too short to test methods", False),
        ([42.0] * 960, "equal, so the same value is shown", False),
        (np.where(np.arange(2880) % 7 < 3, np.nan, days(30)), "", False),
        (np.where(np.arange(960) % 90 == 5, 1e5, days(10)), "outside the possible range", False),
    ],
    ids=["nothing", "all missing", "two", "ten", "constant", "gappy", "absurd"],
)
def test_whatever_the_past_there_is_a_plain_message_and_no_crash(grid, past, says, is_empty, caplog):
    caplog.set_level(logging.WARNING)
    meter = grid.meter(past)
    report = runner.refresh(NOW)
    found = read.newest(meter)
    assert found is not None and report.failed == [] and not caplog.records
    assert says in found.note and found.note
    assert found.is_empty is is_empty and (meter in read.latest([meter])) is not is_empty


def test_only_what_the_target_means_is_foreseen(grid):
    meter, other = grid.meter(days(4)), grid.meter(days(4), kind="pump")
    runner.refresh(NOW)
    assert read.newest(meter) is not None and read.newest(other) is None


def test_a_second_call_at_once_does_nothing_and_an_hour_later_issues_anew(grid):
    meter = grid.meter(days(10))
    runner.refresh(NOW)
    assert runner.refresh(NOW + 60_000).issued == 0
    assert runner.refresh(NOW + HOUR).issued == 1
    rows = IssuedForecast.objects.filter(series_id=meter)
    assert rows.count() == 2 and rows.filter(is_current=True).get().issued_at == NOW + HOUR
    standing = read.as_issued(meter, NOW + HOUR - 1)
    assert standing is not None and standing.issued_at_ms == NOW
    assert read.as_issued(meter, NOW - 1) is None


def test_methods_are_tested_against_each_other_once_a_day(grid):
    meter = grid.meter(days(10))
    assert runner.refresh(NOW).calibrated == 1
    assert runner.refresh(NOW + 2 * HOUR).calibrated == 0
    assert runner.refresh(NOW + DAY).calibrated == 1
    assert Calibration.objects.get(series_id=meter).made_at == NOW + DAY


def test_without_time_for_backtests_every_series_still_has_a_forecast(grid):
    meters = [grid.meter(days(10, seed=n)) for n in range(3)]
    report = runner.refresh(NOW, budget_s=0.0)
    assert (report.issued, report.calibrated, report.left) == (3, 0, 3)
    assert len(read.latest(meters)) == 3
    later = runner.refresh(NOW + 60_000)
    assert (later.issued, later.calibrated, later.left) == (3, 3, 0)


def test_a_clock_set_back_starts_over(grid):
    meter = grid.meter(days(10))
    runner.refresh(NOW)
    runner.refresh(NOW - 2 * DAY)
    found = read.newest(meter)
    assert found is not None and found.issued_at_ms == NOW - 2 * DAY


def test_a_forecast_that_has_ended_is_held_against_what_came(grid):
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    grid.measure(meter, days(21, seed=7)[-96:], NOW + DAY)
    assert runner.refresh(NOW + DAY + HOUR).scored == 1
    score = Score.objects.get()
    assert score.n == 96 and 0 < score.mae < 8 and 48 < score.inside80 <= 96
    assert score.naive_mae is not None and score.naive_mae > 0
    assert score.inside80 <= (score.inside95 or 0) <= 96 and abs(score.bias or 9) < score.mae
    assert score.scale == pytest.approx(2 * 2 / np.sqrt(np.pi), rel=0.15)  # of the difference of two N(0, 2²)
    assert score.first_n is None and score.first_mae is None
    record = read.record(meter, NOW + DAY + HOUR)
    assert record.n == 96 and record.mae == pytest.approx(score.mae)
    assert "kW on average" in record.words("kW") and "80 % band" in record.words("kW")
    assert runner.refresh(NOW + DAY + 2 * HOUR).scored == 0


def test_where_the_horizon_is_longer_than_a_day_its_first_day_is_scored_apart(grid, monkeypatch):
    two_days = Target(metric="test.load", horizon_steps=192, low=0.0, high=5_000.0, kinds=("meter",))
    monkeypatch.setattr(declared, "targets", lambda: (two_days,))
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    came = np.concatenate([days(21, seed=7)[-96:], days(21, seed=7)[-96:] + 40.0])
    grid.measure(meter, came, NOW + 2 * DAY)
    runner.refresh(NOW + 2 * DAY + HOUR)
    score = Score.objects.get(issued_at=NOW)
    assert (score.n, score.first_n) == (192, 96) and score.first_mae is not None and score.first_mae < 8
    assert score.mae == pytest.approx((score.first_mae + 40) / 2, abs=4) and (score.bias or 0) == pytest.approx(
        20, abs=2
    )
    assert score.first_inside80 is not None and score.first_inside80 > 48 and score.inside80 < score.first_inside80 + 20
    assert score.first_naive_mae is not None and score.naive_mae is not None
    assert score.naive_mae > score.first_naive_mae + 15


def test_a_forecast_of_a_time_nothing_was_measured_in_is_no_score(grid):
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    assert runner.refresh(NOW + 2 * DAY).scored == 1
    assert not Score.objects.exists() and read.record(meter, NOW + 2 * DAY).n == 0


def test_old_forecasts_go_but_one_in_six_hours_stays(grid):
    grid.meter(days(4))
    for hour in range(0, 14, 1):
        runner.refresh(NOW + hour * HOUR, budget_s=0)
    assert IssuedForecast.objects.count() == 14
    runner.refresh(NOW + 4 * DAY, budget_s=0)
    left = IssuedForecast.objects.filter(is_current=False)
    assert left.count() == 3 and all(row.is_kept for row in left)


def test_one_target_that_breaks_does_not_cost_the_others_theirs(grid, monkeypatch, caplog):
    meter = grid.meter(days(4))
    broken = Target(metric="test.load", step_s=7, kinds=("pump",))
    grid.meter(days(4), kind="pump")
    monkeypatch.setattr(declared, "targets", lambda: (broken, METER))
    report = runner.refresh(NOW)
    assert report.failed == ["test.load"] and meter in read.latest([meter])
    assert "failed: test.load" in report.words()


def test_a_record_that_missed_too_much_widens_the_next_bands_and_counts_once(grid):
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    assert Calibration.objects.get(series=meter).judged == 0
    day = 24 * HOUR
    ago = [NOW - day - HOUR - k * 6 * HOUR for k in range(1, 15)]
    Score.objects.all().delete()
    Score.objects.bulk_create(
        Score(series_id=meter, issued_at=at, method="mix", n=96, mae=1.0, loss=1.0, inside80=48) for at in ago
    )
    Calibration.objects.update(made_at=NOW - 20 * day)
    runner.refresh(NOW + HOUR)
    row = Calibration.objects.get(series=meter)
    assert row.judged == 14 and row.miss == pytest.approx(0.2 - 14 * 0.02 * 0.3)
    assert packing.unpack_standing(row, METER, tuple(METHODS)).width > 1.1
    report = runner.refresh(NOW + 26 * HOUR)
    assert report.calibrated == 1 and Calibration.objects.get(series=meter).judged == 14


def test_a_shelf_says_the_same_as_reading_everything_again(grid):
    meter = grid.meter(days(10))
    shelf = Shelf()
    shelf.histories(METER, [meter], NOW)
    grid.measure(meter, days(11, seed=3)[-8:], NOW + 2 * HOUR)
    kept = shelf.histories(METER, [meter], NOW + 2 * HOUR)[0]
    anew = Shelf().histories(METER, [meter], NOW + 2 * HOUR)[0]
    assert kept.start_ms == anew.start_ms and np.array_equal(kept.values, anew.values, equal_nan=True)
    assert np.isfinite(kept.values[-8:]).all()


def test_a_standing_that_no_longer_fits_counts_as_none():
    standing = Standing(ladder=("closed_form", NAIVE), skill=0.2, windows=5, asked=1.25)
    row = packing.pack_standing(1, standing, NOW)
    back = packing.unpack_standing(row, METER, LIGHT)
    assert back.ladder == standing.ladder and back.asked == 1.25
    assert packing.unpack_standing(row, METER, (NAIVE,)) == Standing()
    assert packing.unpack_standing(None, METER, tuple(METHODS)) == Standing()
