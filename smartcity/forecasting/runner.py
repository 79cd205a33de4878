# SPDX-License-Identifier: Apache-2.0
"""Forecasts of the whole city, batch by batch within a budget: score what has ended, backtest what is due, issue anew.

Costly and blocking: call it in a worker process (worker.py). One at a time; a call that comes too early does nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from django.db import transaction

from smartcity.forecasting import city_beside, drift, fleet, jobs, pins, scoring, trees, weather
from smartcity.forecasting.city_beside import Sky
from smartcity.forecasting.jobs import DAY_MS, Found, Job
from smartcity.forecasting.models import FleetJob, IssuedForecast
from smartcity.forecasting.past import Shelf
from smartcity.forecasting.series import History
from smartcity.forecasting.worker import Report
from smartcity.kernel.forecasts import Target

log = logging.getLogger(__name__)

RECENT_MS, KEPT_MS = 2 * DAY_MS, 60 * DAY_MS

Insist = Callable[[], None]


class Superseded(Exception):
    """Another process issues the forecasts by now."""


def anybody() -> None:
    """Whoever is the only one to issue need not insist."""


def refresh(
    now_ms: int,
    *,
    budget_s: float = 60.0,
    metrics: Sequence[str] = (),
    shelf: Shelf | None = None,
    insist: Insist = anybody,
    fetch: Callable[[int], object] | None = None,
) -> Report:
    """Backtests stop when `budget_s` wall seconds are spent; issuing does not, so that every series has a forecast.

    A process that calls again and again hands over the same `shelf` and need not read eight weeks each time. `insist`
    is called in each transaction that issues and between all others, and raises Superseded to end it all.
    `fetch(now_ms)` brings the weather. Where the light series are many, or an executor is set, theirs is a fleet of
    jobs (fleet.py).
    """
    began, report, shelf = time.perf_counter(), Report(), shelf or Shelf()
    if fetch is not None:
        _fetched(fetch, now_ms, report)
    singly = _by_fleet(jobs.foreseen(metrics), now_ms, began + budget_s, report, insist)
    try:
        report.scored += scoring.score({pk: job.target for job in singly for pk in job.series}, now_ms)
    except Exception:
        log.exception("forecasts could not be scored")
        report.failed.append("scoring")
    for job in singly:
        try:
            _one(job, now_ms, shelf, began + budget_s, report, insist)
        except Superseded:
            raise
        except Exception:
            log.exception("no forecasts of %s", job.target.metric)
            report.failed.append(job.target.metric)
    told = trees.refresh(now_ms, shelf=shelf, insist=insist, metrics=metrics)
    report.summed, report.failed = told.nodes, [*report.failed, *told.failed]
    _forget(now_ms)
    report.seconds = time.perf_counter() - began
    return report


def _fetched(fetch: Callable[[int], object], now_ms: int, report: Report) -> None:
    """Whatever becomes of the weather, forecasts are made."""
    try:
        fetch(now_ms)
    except Exception:
        log.exception("the weather could not be taken")
        report.failed.append("weather")


def _by_fleet(
    found: Mapping[Target, Sequence[Found]], now_ms: int, until: float, report: Report, insist: Insist
) -> list[Job]:
    """Let the fleet do its share, if there is a fleet; what is left to be done singly."""
    standing, executor = pins.standing(), fleet.executor(found)
    if not executor:
        return jobs.known(found, standing)
    light = fleet.light(found)
    apart = pins.by_series(
        [row for rows in light.values() for row in rows], [pin for pin in standing if fleet.is_apart(pin)]
    )
    try:
        fleet.refresh(light, executor, now_ms, until=until, report=report, between=insist)
    except Superseded:
        raise
    except Exception as problem:
        log.exception("the fleet has failed")
        report.failed.append(f"the fleet ({problem})")
    rest = {target: [row for row in rows if target not in light or row[0] in apart] for target, rows in found.items()}
    return jobs.known(rest, standing)


def _one(job: Job, now_ms: int, shelf: Shelf, until: float, report: Report, insist: Insist) -> None:
    """Backtest and issue one target's series, if anything of them is due."""
    if not (job.to_issue(now_ms) or (job.to_calibrate(now_ms) and time.perf_counter() < until)):
        report.left += len(job.to_calibrate(now_ms))
        return
    past = dict(zip(job.series, shelf.histories(job.target, job.series, now_ms), strict=True))
    over = city_beside.sky(job.target, now_ms)
    fresh = _calibrate(job, past, now_ms, over, until, report, insist)
    _issue(job, past, now_ms, over, fresh, report, insist)


def _calibrate(
    job: Job, past: Mapping[int, History], now_ms: int, over: Sky, until: float, report: Report, insist: Insist
) -> set[int]:
    """Which series have a new standing."""
    fresh: set[int] = set()
    due = job.to_calibrate(now_ms)
    for batch in job.batches(due, job.tier):
        if time.perf_counter() >= until:
            break
        insist()
        rows, standings = job.calibrate(batch, past, now_ms, over)
        with transaction.atomic():
            jobs.keep_calibrations(rows, standings, now_ms)
        drift.watch(batch, now_ms)
        job.calibrations.update(zip(batch, rows, strict=True))
        fresh.update(batch)
    report.calibrated += len(fresh)
    report.left += len(due) - len(fresh)
    return fresh


def _issue(
    job: Job, past: Mapping[int, History], now_ms: int, over: Sky, fresh: set[int], report: Report, insist: Insist
) -> None:
    due = set(job.to_issue(now_ms)) | fresh
    for batch in job.batches([pk for pk in job.series if pk in due]):
        rows = job.issue(batch, past, now_ms, over)
        with transaction.atomic():
            insist()
            jobs.keep_forecasts(rows, now_ms)
        report.issued += len(rows)
        report.empty += sum(not row.values for row in rows)


def _forget(now_ms: int) -> None:
    """Forecasts nobody will ask for again: all but the kept ones after two days, those after sixty."""
    old = IssuedForecast.objects.filter(is_current=False)
    old.filter(is_kept=False, issued_at__lt=now_ms - RECENT_MS).delete()
    old.filter(issued_at__lt=now_ms - KEPT_MS).delete()
    weather.forget(now_ms)
    FleetJob.objects.filter(origin__lt=now_ms - RECENT_MS).delete()
