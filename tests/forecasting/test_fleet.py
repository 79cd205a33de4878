# SPDX-License-Identifier: Apache-2.0
"""Forecasts of many series, slice by slice: the same rows once, whoever does them and however often."""

from __future__ import annotations

import numpy as np
import pytest

from smartcity import declared
from smartcity.api.audit import Actor
from smartcity.forecasting import executors, fleet, jobs, partition, pins, runner
from smartcity.forecasting import read as forecasts
from smartcity.forecasting.fleet import Planned
from smartcity.forecasting.models import Calibration, FleetJob, IssuedForecast
from smartcity.forecasting.runner import Superseded
from smartcity.forecasting.worker import Done, Report
from smartcity.kernel.forecasts import Target, Tier
from smartcity.telemetry import book, read
from smartcity.telemetry.store import Store
from tests.forecasting.conftest import DAY, HOUR, METER, METRICS, NOW, days

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])]
ISSUE, CALIBRATE = FleetJob.What.ISSUE, FleetJob.What.CALIBRATE


@pytest.fixture
def here(settings):
    settings.FORECAST_EXECUTOR = "here"


def planned(what: FleetJob.What, now_ms: int = NOW, **options) -> Planned:
    ((target, rows),) = fleet.light(jobs.foreseen()).items()
    return fleet.plan(target, [row[0] for row in rows], what, now_ms, **options)


def rows() -> list[tuple]:
    columns = ("series_id", "issued_at", "method", "note", "is_current", "is_kept", "is_scored")
    return [
        (*row[:-1], bytes(row[-1])) for row in IssuedForecast.objects.order_by("pk").values_list(*columns, "values")
    ]


def test_the_fleet_says_what_one_process_says_singly(grid, settings):
    meters = [grid.meter(days(20, seed=n)) for n in range(3)]
    runner.refresh(NOW)
    runner.refresh(NOW + HOUR)
    singly = {pk: forecasts.newest(pk) for pk in meters}
    IssuedForecast.objects.all().delete()
    Calibration.objects.all().delete()
    settings.FORECAST_EXECUTOR = "here"
    first = runner.refresh(NOW)
    assert (first.issued, first.calibrated, first.left, first.failed) == (3, 3, 0, [])
    assert runner.refresh(NOW + HOUR).issued == 3
    for pk in meters:
        mine, theirs = forecasts.newest(pk), singly[pk]
        assert mine is not None and theirs is not None and mine.note == theirs.note
        assert mine.issued_at_ms == theirs.issued_at_ms
        assert np.allclose(mine.values, theirs.values, rtol=1e-4)  # a shelf keeps 32 bits


def test_a_fleet_too_does_nothing_when_called_at_once_and_scores_what_has_ended(grid, here):
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    assert runner.refresh(NOW + 60_000).issued == 0
    grid.measure(meter, days(21, seed=7)[-96:], NOW + DAY)
    later = runner.refresh(NOW + DAY + HOUR)
    assert (later.scored, later.calibrated) == (1, 1)
    runner.refresh(NOW + 4 * DAY)
    assert not FleetJob.objects.filter(origin__lt=NOW + 2 * DAY).exists()


def test_nobody_is_called_where_nothing_is_due(grid, here, settings, monkeypatch):
    grid.meter(days(4))
    runner.refresh(NOW)
    settings.FORECAST_EXECUTOR = "dask://127.0.0.1:9"
    monkeypatch.setattr(executors, "JOIN_S", 1)
    assert runner.refresh(NOW + 60_000).failed == []
    (said,) = runner.refresh(NOW + HOUR).failed
    assert said.startswith("the fleet (No Dask scheduler answers")


def test_backtests_stop_with_the_budget_and_go_on_from_there(grid, here):
    for n in range(3):
        grid.meter(days(10, seed=n))
    report = runner.refresh(NOW, budget_s=0.0)
    assert (report.issued, report.calibrated, report.left) == (3, 0, 3)
    later = runner.refresh(NOW + 60_000)
    assert (later.issued, later.calibrated, later.left) == (0, 3, 0)
    assert set(Calibration.objects.values_list("made_at", flat=True)) == {NOW}


def test_a_job_done_twice_writes_its_rows_once(grid):
    for n in range(3):
        grid.meter(days(10, seed=n))
    plan = planned(ISSUE, size=2)
    assert (plan.jobs, plan.series, [n for _, n in plan.undone]) == (2, 3, [2, 1])
    done = [partition.work(pk) for pk, _ in plan.undone]
    assert [one.issued for one in done] == [2, 1]
    before = rows()
    assert [partition.work(pk) for pk, _ in plan.undone] == [Done(pk) for pk, _ in plan.undone]
    assert rows() == before and planned(ISSUE, size=2).undone == ()


def test_of_two_who_do_the_same_job_at_once_the_second_writes_nothing(grid, monkeypatch):
    grid.meter(days(10))
    ((pk, _),) = planned(ISSUE).undone
    real = jobs.Job.issue

    def overtaken(self, batch, past, now_ms, over):
        monkeypatch.setattr(jobs.Job, "issue", real)
        assert partition.work(pk).issued == 1
        return real(self, batch, past, now_ms, over)

    monkeypatch.setattr(jobs.Job, "issue", overtaken)
    assert partition.work(pk) == Done(pk) and len(rows()) == 1


def test_what_breaks_before_the_end_has_written_nothing_and_is_tried_again_a_few_times(grid, monkeypatch, caplog):
    grid.meter(days(10))
    ((pk, _),) = planned(ISSUE).undone
    keep = jobs.keep_forecasts

    def half(found, now_ms):
        keep(found, now_ms)
        raise RuntimeError("the lights went out")

    monkeypatch.setattr(jobs, "keep_forecasts", half)
    failed = partition.work(pk)
    assert failed.error == "test.load meter (RuntimeError)" and rows() == []
    job = FleetJob.objects.get(pk=pk)
    assert (job.done_at, job.tries, job.error) == (None, 1, "RuntimeError: the lights went out")
    monkeypatch.undo()
    monkeypatch.setattr(declared, "metrics", lambda: METRICS)
    monkeypatch.setattr(declared, "targets", lambda: (METER,))
    assert planned(ISSUE).undone == ((pk, 1),)
    FleetJob.objects.update(tries=fleet.MOST_TRIES)
    assert planned(ISSUE).undone == () and planned(ISSUE, at=NOW).undone == ((pk, 1),)
    assert partition.work(pk).issued == 1


def test_an_origin_goes_on_for_an_hour_and_then_gives_way(grid):
    grid.meter(days(10))
    first = planned(ISSUE)
    assert planned(ISSUE, NOW + HOUR - 1) == first
    later = planned(ISSUE, NOW + HOUR)
    assert later.origin == NOW + HOUR and later.undone != first.undone
    assert partition.work(first.undone[0][0]) == Done(first.undone[0][0]) and rows() == []


def test_what_one_person_pinned_is_foreseen_at_once_and_not_by_the_fleet(grid, here):
    meters = [grid.meter(days(20, seed=n)) for n in range(2)]
    runner.refresh(NOW)
    by = Actor("anna")
    pins.place("test.load", "meter", series=meters[0], method="profile", reason="a test", by=by, now_ms=NOW + 1)
    report = runner.refresh(NOW + 60_000)
    assert report.issued == 1 and report.failed == []
    found = forecasts.newest(meters[0])
    assert found is not None and (found.method, found.issued_at_ms) == ("profile", NOW + 60_000)


def test_costly_targets_of_few_series_are_none_of_the_fleets_business(grid, here, monkeypatch):
    grid.meter(days(4))
    heavy = Target(metric="test.load", kinds=("meter",), tier=Tier.HEAVY)
    monkeypatch.setattr(declared, "targets", lambda: (heavy,))
    assert fleet.light(jobs.foreseen()) == {}
    monkeypatch.setattr(pins, "MOST_HEAVY", 0)
    ((target, found),) = fleet.light(jobs.foreseen()).items()
    assert target.tier is Tier.LIGHT and len(found) == 1


def test_whoever_is_superseded_stops_between_two_jobs(grid, here):
    grid.meter(days(4))

    def insist():
        raise Superseded("another")

    with pytest.raises(Superseded):
        runner.refresh(NOW, insist=insist)
    assert rows() == []


def test_a_small_city_needs_no_jobs_and_a_large_one_uses_its_cores(settings):
    small, large = {METER: [(1, "test.load", "meter")]}, {METER: [(1, "test.load", "meter")] * fleet.LARGE}
    assert (fleet.executor(small), fleet.executor(large)) == ("", "processes")
    settings.FORECAST_EXECUTOR = "dask://10.0.0.1:8786"
    assert fleet.executor(small) == "dask://10.0.0.1:8786"


def test_a_job_of_a_target_this_version_does_not_know_says_so(grid, monkeypatch, caplog):
    grid.meter(days(4))
    ((pk, _),) = planned(ISSUE).undone
    monkeypatch.setattr(declared, "targets", lambda: ())
    assert partition.work(pk).error and "another version" in FleetJob.objects.get(pk=pk).error


def test_progress_is_told_in_series_of_this_run(grid):
    for n in range(3):
        grid.meter(days(4, seed=n))
    told: list[tuple[int, float]] = []
    report = Report()
    fleet.carry_out([planned(ISSUE, size=1)], executors.Here(), report, lambda n, share: told.append((n, share)))
    assert (told[0], told[-1], report.issued) == ((0, 0.0), (3, 1.0), 3)


@pytest.mark.parametrize("column", ["mean", "total", "low", "high", "last", "n", "n_good"])
def test_neighbours_are_read_as_one_and_say_the_same_as_singly(grid, monkeypatch, column):
    ids = np.arange(100, 100 + 3 * read.FEW)
    at = NOW - 4 * HOUR + np.arange(16) * 450_000
    values = np.random.default_rng(1).normal(0, 5, (len(at), len(ids)))
    values[np.random.default_rng(2).random(values.shape) < 0.3] = np.nan
    store = Store(book=book.write([(pk, "test.load") for pk in ids.tolist()], METRICS))
    store.bulk(np.tile(ids, len(at)), np.repeat(at, len(ids)), values.ravel(), now_ms=NOW)
    store.mend_all()
    store.close()
    asked = ids[::-2].tolist()
    wanted, found = read.grid(asked, "15m", NOW - 4 * HOUR, NOW, column)
    monkeypatch.setattr(read, "SPARSE", 0)
    also, slowly = read.grid(asked, "15m", NOW - 4 * HOUR, NOW, column)
    assert np.array_equal(wanted, also) and np.array_equal(found, slowly, equal_nan=True) and np.isfinite(found).any()
