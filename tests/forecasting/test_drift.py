# SPDX-License-Identifier: Apache-2.0
"""Forecasts that have become worse are noticed within days, ordinary ups and downs are not; and it comes to an end."""

from __future__ import annotations

import numpy as np
import pytest

from smartcity.forecasting import drift, fleet, partition, runner
from smartcity.forecasting.models import Drift, FleetJob, Score
from tests.forecasting.conftest import METER, NOW, days

DAY = drift.DAY_MS
BOTH = pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])
pytestmark = [pytest.mark.both_engines]


def errors(count, *, doubled_from=None, seed=0, size=0.3):
    values = np.exp(np.random.default_rng(seed).normal(np.log(0.5), size, count))
    if doubled_from is not None:
        values[doubled_from:] *= 2
    return values


def test_doubled_errors_are_noticed_within_twelve_days_and_dated():
    found = [drift.page_hinkley(errors(52, doubled_from=40, seed=seed), drift.ERROR) for seed in range(40)]
    noticed = [one for one in found if one is not None]
    assert len(noticed) >= 36
    assert np.median([abs(one.index - 40) for one in noticed]) <= 1
    assert all(one.after > 1.4 * one.before for one in noticed)


def test_sixty_ordinary_days_are_nearly_never_called_a_change():
    assert sum(drift.page_hinkley(errors(60, seed=seed), drift.ERROR) is not None for seed in range(200)) <= 2


def test_a_band_that_suddenly_misses_half_is_noticed():
    misses = np.r_[np.full(30, 0.2), np.full(8, 0.5)]
    found = drift.page_hinkley(misses, drift.MISSES)
    assert found is not None and found.index == 30


@pytest.mark.parametrize("values", [np.empty(0), np.ones(5), np.zeros(40), np.full(40, 1e9)])
def test_what_is_short_or_constant_does_not_drift(values):
    assert drift.page_hinkley(values, drift.ERROR) is None


def scored(series, values, until=NOW):
    first = until - len(values) * DAY
    Score.objects.filter(series_id=series).delete()
    Score.objects.bulk_create(
        Score(series_id=series, issued_at=first + day * DAY + quarter * DAY // 4, method="mix", n=10,
              mae=float(value), loss=0.1, scale=1.0, inside80=8)
        for day, value in enumerate(values) for quarter in range(4)
    )  # fmt: skip


@BOTH
def test_a_drift_is_noted_once_and_ends_when_forecasts_are_good_again(grid):
    worse, fine = grid.meter(days(2)), grid.meter(days(2, seed=3))
    scored(worse, errors(52, doubled_from=40))
    scored(fine, errors(50, seed=1))
    assert drift.watch([worse, fine], NOW) == {worse}
    assert drift.watch([worse, fine], NOW + 1) == {worse}
    row = Drift.objects.get()
    assert row.series_id == worse and row.what == "error" and row.after > 1.5 * row.before
    assert NOW - 16 * DAY < row.since < NOW - 8 * DAY and row.ended_at is None
    scored(worse, np.r_[errors(52, doubled_from=40), errors(8, seed=2)], until=NOW + 8 * DAY)
    assert drift.watch([worse, fine], NOW + 8 * DAY) == set()
    assert Drift.objects.get().ended_at == NOW + 8 * DAY


@BOTH
def test_it_is_looked_for_with_each_backtest_singly_and_in_the_fleet(grid):
    worse = grid.meter(days(10))
    scored(worse, errors(52, doubled_from=40))
    runner.refresh(NOW)
    assert Drift.objects.get().series_id == worse
    Drift.objects.all().delete()
    ((pk, _),) = fleet.plan(METER, [worse], FleetJob.What.CALIBRATE, NOW).undone
    assert partition.work(pk).calibrated == 1
    assert Drift.objects.get().series_id == worse
