# SPDX-License-Identifier: Apache-2.0
"""Many series: cut into slices, one job for each slice and origin, handed to an executor, done once whatever happens.

A job's rows and its mark are one transaction (partition.py), so that a run that was killed is simply run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from smartcity.forecasting import executors
from smartcity.forecasting.executors import Runner
from smartcity.forecasting.jobs import CALIBRATE_EVERY_MS, HOUR_MS, Found
from smartcity.forecasting.methods import METHODS
from smartcity.forecasting.models import FleetJob, Pin
from smartcity.forecasting.worker import Done, Report
from smartcity.kernel.forecasts import Target, Tier
from smartcity.telemetry.headway import Progress

LARGE = 5_000  # light series: from so many on, a city without a setting uses all its cores
SIZE = 480  # series a job: ten batches, some three seconds, and 5 MB of eight weeks of hours
MOST_TRIES = 3
EVERY_MS = {FleetJob.What.ISSUE: HOUR_MS, FleetJob.What.CALIBRATE: CALIBRATE_EVERY_MS}

Slices = Mapping[Target, Sequence[Found]]
Between = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Planned:
    """Jobs that are not done, of `jobs` and `series` in all as of one origin."""

    origin: int
    undone: tuple[tuple[int, int], ...]
    jobs: int
    series: int


def key(target: Target) -> str:
    """What a job calls its target."""
    return f"{target.metric} {'+'.join(target.kinds)}".strip()


def executor(found: Slices) -> str:
    """The setting, else by how many light series there are; empty: the city is small and needs no jobs."""
    if settings.FORECAST_EXECUTOR:
        return str(settings.FORECAST_EXECUTOR)
    return executors.PROCESSES if sum(len(rows) for rows in light(found).values()) >= LARGE else ""


def light(found: Slices) -> dict[Target, Sequence[Found]]:
    """What jobs are made for. Costly targets are few (pins.MOST_HEAVY) and stay where they are."""
    return {target: rows for target, rows in found.items() if target.tier is Tier.LIGHT and rows}


def is_apart(pin: Pin) -> bool:
    """Whether what it holds for is foreseen singly: a person waits for it, or it is costly."""
    return pin.series_id is not None or METHODS[pin.method].tier is Tier.HEAVY


def plan(
    target: Target, series: Sequence[int], what: FleetJob.What, now_ms: int, *, size: int = SIZE, at: int | None = None
) -> Planned:
    """Jobs as of `at`, or of the newest origin that is not too old, or of now. What an older origin left goes."""
    mine = FleetJob.objects.filter(target=key(target), what=what)
    with transaction.atomic():
        origin = now_ms if at is None else at
        newest = mine.order_by("-pk").values_list("origin", flat=True).first()
        if at is None and newest is not None and 0 <= now_ms - newest < EVERY_MS[what]:
            origin = newest
        if not mine.filter(origin=origin).exists():
            mine.filter(done_at=None).delete()
            FleetJob.objects.bulk_create(_slices(target, series, what, origin, size), ignore_conflicts=True)
    rows = list(mine.filter(origin=origin).order_by("first").values_list("pk", "series", "done_at", "tries"))
    undone = tuple(
        (pk, n) for pk, n, done_at, tries in rows if done_at is None and (at is not None or tries < MOST_TRIES)
    )
    return Planned(origin, undone, len(rows), sum(row[1] for row in rows))


def refresh(found: Slices, name: str, now_ms: int, *, until: float, report: Report, between: Between) -> None:
    """Issue what is due, then backtest until `until` (perf_counter). `between` is called often and may raise."""
    jobs = {
        what: _undone(plan(target, _ids(rows), what, now_ms) for target, rows in found.items()) for what in EVERY_MS
    }
    if not any(jobs.values()):
        return
    with executors.opened(name) as pool:
        for what, mine in jobs.items():
            wanted = _within(mine, None if what is FleetJob.What.ISSUE else until)
            finished = {done.job for done in _counted(pool.run(wanted, between), report)}
            report.left += sum(n for pk, n in mine if pk not in finished)


def carry_out(plans: Sequence[Planned], runner: Runner, report: Report, progress: Progress) -> None:
    """All that is not done of them. `progress` gets the series done now and their share, often, and may raise."""
    jobs = _undone(plans)
    whole, done_now = sum(n for _, n in jobs), 0

    def between() -> None:
        progress(done_now, done_now / whole if whole else 1.0)

    for done in _counted(runner.run(_within(jobs, None), between), report):
        done_now += 0 if done.error else done.series


def _counted(results: Iterator[Done], report: Report) -> Iterator[Done]:
    for done in results:
        report.issued += done.issued
        report.empty += done.empty
        report.calibrated += done.calibrated
        report.scored += done.scored
        if done.error:
            report.failed.append(done.error)
        yield done


def _undone(plans: Iterable[Planned]) -> list[tuple[int, int]]:
    return [job for one in plans for job in one.undone]


def _ids(rows: Sequence[Found]) -> list[int]:
    return [row[0] for row in rows]


def _within(jobs: Iterable[tuple[int, int]], until: float | None) -> Iterator[int]:
    for pk, _ in jobs:
        if until is not None and time.perf_counter() >= until:
            return
        yield pk


def _slices(target: Target, series: Sequence[int], what: str, origin: int, size: int) -> list[FleetJob]:
    parts = [series[start : start + size] for start in range(0, len(series), size)]
    return [
        FleetJob(target=key(target), what=what, origin=origin, first=part[0], last=part[-1], series=len(part))
        for part in parts
    ]
