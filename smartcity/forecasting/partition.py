# SPDX-License-Identifier: Apache-2.0
"""One job of the fleet, from store to store: the past of a slice of series in, their forecasts or standings out.

All it knows is the number of the job, so that it may run in any process, on any machine, any number of times.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from dataclasses import replace

from django.db import transaction
from django.db.models import F

from smartcity import declared
from smartcity.forecasting import city_beside, drift, fleet, jobs, pins, scoring
from smartcity.forecasting.jobs import Job
from smartcity.forecasting.models import FleetJob
from smartcity.forecasting.past import histories
from smartcity.forecasting.worker import Done
from smartcity.kernel.clock import wall_ms
from smartcity.kernel.forecasts import Target, Tier

log = logging.getLogger(__name__)


class Overtaken(Exception):
    """Somebody else has done the job, or it is not wanted any more."""


def work(pk: int) -> Done:
    """Do the job and mark it done in one transaction. What fails is in the log and with the job, to be tried again."""
    row = FleetJob.objects.filter(pk=pk, done_at=None).first()
    if row is None:
        return Done(pk)
    try:
        return _do(row, time.perf_counter())
    except Overtaken:
        return Done(pk)
    except Exception as problem:
        log.exception("failed: %s", row)
        FleetJob.objects.filter(pk=pk).update(tries=F("tries") + 1, error=f"{type(problem).__name__}: {problem}"[:2000])
        return Done(pk, series=row.series, error=f"{row.target} ({type(problem).__name__})")


def _do(row: FleetJob, began: float) -> Done:
    job = _job(row)
    past = dict(zip(job.series, histories(job.target, job.series, row.origin), strict=True))
    over = city_beside.sky(job.target, row.origin)
    if row.what == FleetJob.What.CALIBRATE:
        parts = [job.calibrate(batch, past, row.origin, over) for batch in job.batches(job.series)]
        with transaction.atomic():
            _finish(row, len(job.series), began)
            for rows, standings in parts:
                jobs.keep_calibrations(rows, standings, row.origin)
        drift.watch(job.series, row.origin)
        return Done(row.pk, series=row.series, calibrated=len(job.series))
    scored = scoring.score(dict.fromkeys(job.series, job.target), row.origin)
    issued = [one for batch in job.batches(job.series) for one in job.issue(batch, past, row.origin, over)]
    with transaction.atomic():
        _finish(row, len(issued), began)
        jobs.keep_forecasts(issued, row.origin)
    empty = sum(not one.values for one in issued)
    return Done(row.pk, series=row.series, issued=len(issued), empty=empty, scored=scored)


def _job(row: FleetJob) -> Job:
    """The slice as it is now, without what is foreseen singly."""
    target = replace(_target(row.target), tier=Tier.LIGHT)
    found = jobs.foreseen((target.metric,), (row.first, row.last))
    rows = next((rows for one, rows in found.items() if fleet.key(one) == row.target), [])
    standing = pins.standing()
    apart = pins.by_series(rows, [pin for pin in standing if fleet.is_apart(pin)])
    return jobs.known({target: [one for one in rows if one[0] not in apart]}, standing)[0]


def _target(name: str) -> Target:
    for target in declared.targets():
        if fleet.key(target) == name:
            return target
    raise LookupError(f"Nobody declares the target {name} here: this process runs another version than the city.")


def _finish(row: FleetJob, written: int, began: float) -> None:
    """Raises Overtaken. The mark comes first: its row is the lock that a second one waits for."""
    mark = {"done_at": wall_ms(), "done_by": f"{socket.gethostname()}:{os.getpid()}", "written": written, "error": ""}
    seconds = time.perf_counter() - began
    if not FleetJob.objects.filter(pk=row.pk, done_at=None).update(**mark, seconds=seconds):
        raise Overtaken
