# SPDX-License-Identifier: Apache-2.0
"""Forecasts of the whole city, batch by batch within a budget: score what has ended, backtest what is due, issue anew.

Costly and blocking: call it in a worker process (worker.py). One at a time; a call that comes too early does nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from smartcity import declared
from smartcity.devices import time_zone
from smartcity.devices.models import Series
from smartcity.forecasting import champions, engine, intervals, pins, scoring, trees
from smartcity.forecasting.beside import Beside, Holidays
from smartcity.forecasting.methods import METHODS, suited
from smartcity.forecasting.models import Calibration, IssuedForecast, Pin, Score
from smartcity.forecasting.packing import pack, pack_standing, unpack_standing
from smartcity.forecasting.past import Shelf
from smartcity.forecasting.ranking import Standing
from smartcity.forecasting.series import History
from smartcity.forecasting.worker import Report
from smartcity.kernel.forecasts import Target, Tier

log = logging.getLogger(__name__)

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
ISSUE_EVERY_MS = {Tier.LIGHT: HOUR_MS, Tier.HEAVY: 6 * HOUR_MS}  # by the tier of the methods that share it
CALIBRATE_EVERY_MS = DAY_MS
KEPT_EVERY_MS = 6 * HOUR_MS
RECENT_MS, KEPT_MS = 2 * DAY_MS, 60 * DAY_MS
BATCH = {Tier.LIGHT: 48, Tier.HEAVY: 4}
RENEWED = ("made_at", "ladder", "skill", "windows", "learnt", "learnt_blocks", "shares", "miss", "judged")


@dataclass(frozen=True, slots=True)
class Job:
    """The series of one target with what is known of each; `methods` it may use, and those a person has pinned."""

    target: Target
    methods: tuple[str, ...]
    series: tuple[int, ...]
    calibrations: dict[int, Calibration]
    issued: dict[int, int]
    pins: dict[int, Pin]

    def standing(self, pk: int) -> Standing:
        """By the backtest, which goes on where a person has decided otherwise."""
        found = unpack_standing(self.calibrations.get(pk), self.target, self.methods)
        return pins.heeded(found, self.pins[pk]) if pk in self.pins else found

    def to_calibrate(self, now_ms: int) -> list[int]:
        """Never backtested ones first, then the oldest; a time in the future (another clock) counts as never."""
        made = {pk: row.made_at for pk, row in self.calibrations.items() if row.made_at <= now_ms}
        due = [pk for pk in self.series if now_ms - made.get(pk, -DAY_MS * 10_000) >= CALIBRATE_EVERY_MS]
        return sorted(due, key=lambda pk: made.get(pk, 0))

    def to_issue(self, now_ms: int) -> list[int]:
        """What has grown old; at once what was pinned after it was issued."""
        every = {pk: ISSUE_EVERY_MS[self.standing(pk).tier] for pk in self.series}
        issued = {pk: at for pk, at in self.issued.items() if pk not in self.pins or self.pins[pk].since <= at}
        return [pk for pk in self.series if not 0 <= now_ms - issued.get(pk, -DAY_MS * 10_000) < every[pk]]


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
    insist: Callable[[], None] = anybody,
) -> Report:
    """Backtests stop when `budget_s` wall seconds are spent; issuing does not, so that every series has a forecast.

    A process that calls again and again hands over the same `shelf` and need not read eight weeks each time. `insist`
    is called in each transaction that issues, and raises Superseded to end it all.
    """
    began, report, shelf = time.perf_counter(), Report(), shelf or Shelf()
    jobs = _jobs(metrics)
    try:
        report.scored = scoring.score({pk: job.target for job in jobs for pk in job.series}, now_ms)
    except Exception:
        log.exception("forecasts could not be scored")
        report.failed.append("scoring")
    for job in jobs:
        try:
            _one(job, now_ms, shelf, began + budget_s, report, insist)
        except Superseded:
            raise
        except Exception:
            log.exception("no forecasts of %s", job.target.metric)
            report.failed.append(job.target.metric)
    told = trees.refresh(now_ms, shelf=shelf, beside=beside(), insist=insist, metrics=metrics)
    report.summed, report.failed = told.nodes, [*report.failed, *told.failed]
    _forget(now_ms)
    report.seconds = time.perf_counter() - began
    return report


def _one(job: Job, now_ms: int, shelf: Shelf, until: float, report: Report, insist: Callable[[], None]) -> None:
    """Backtest and issue one target's series, if anything of them is due."""
    if not (job.to_issue(now_ms) or (job.to_calibrate(now_ms) and time.perf_counter() < until)):
        report.left += len(job.to_calibrate(now_ms))
        return
    past = dict(zip(job.series, shelf.histories(job.target, job.series, now_ms), strict=True))
    fresh = _calibrate(job, past, now_ms, until, report)
    _issue(job, past, now_ms, fresh, report, insist)


def _jobs(metrics: Sequence[str]) -> list[Job]:
    """Light targets first: they are many and cheap. Four queries, whatever the number of targets."""
    targets = [target for target in trees.singly(declared.targets()) if not metrics or target.metric in metrics]
    rows = Series.objects.filter(
        metric__in=[target.metric for target in targets], device__retired_at=None, device__asset__missing_since=None
    )
    series = list(rows.order_by("pk").values_list("pk", "metric", "device__asset__kind"))
    ids = [pk for pk, _, _ in series]
    calibrations = {row.series_id: row for row in Calibration.objects.filter(series_id__in=ids)}
    current = IssuedForecast.objects.filter(series_id__in=ids, is_current=True)
    issued = dict(current.values_list("series_id", "issued_at"))
    pinned = pins.by_series(series, pins.standing())
    return [
        _job(target, [pk for pk, name, kind in series if _is_meant(target, name, kind)], calibrations, issued, pinned)
        for target in sorted(targets, key=lambda target: target.tier is Tier.HEAVY)
    ]


def _is_meant(target: Target, metric: str, kind: str) -> bool:
    return metric == target.metric and (not target.kinds or kind in target.kinds)


def _job(
    target: Target,
    series: Sequence[int],
    calibrations: dict[int, Calibration],
    issued: dict[int, int],
    pinned: dict[int, Pin],
) -> Job:
    """A heavy target with more series than there is time for is foreseen by light methods."""
    tier = target.tier if len(series) <= pins.MOST_HEAVY else Tier.LIGHT
    mine = set(series)
    return Job(
        target,
        suited(tier),
        tuple(series),
        {pk: row for pk, row in calibrations.items() if pk in mine},
        {pk: at for pk, at in issued.items() if pk in mine},
        {pk: pin for pk, pin in pinned.items() if pk in mine},
    )


def _calibrate(job: Job, past: Mapping[int, History], now_ms: int, until: float, report: Report) -> set[int]:
    """Which series have a new standing."""
    fresh: set[int] = set()
    due = job.to_calibrate(now_ms)
    for batch in _batches(due, BATCH[_tier(job)]):
        if time.perf_counter() >= until:
            break
        standings = engine.calibrate([past[pk] for pk in batch], job.target, job.methods, now_ms, beside())
        judged = _judged(job, batch, now_ms)
        rows = [pack_standing(pk, standing, now_ms, *judged[pk]) for pk, standing in zip(batch, standings, strict=True)]
        with transaction.atomic():
            Calibration.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["series"],
                update_fields=RENEWED,
            )
            champions.remember(batch, standings, now_ms)
        job.calibrations.update(zip(batch, rows, strict=True))
        fresh.update(batch)
    report.calibrated += len(fresh)
    report.left += len(due) - len(fresh)
    return fresh


def _judged(job: Job, batch: Sequence[int], now_ms: int) -> dict[int, tuple[float, int]]:
    """What bands should aim at and how many forecasts say so, with those whose end came since the last backtest."""
    ahead = job.target.horizon_steps * job.target.step_s * 1000 + scoring.SETTLED_MS + HOUR_MS
    known = {pk: job.calibrations.get(pk) for pk in batch}
    since = {pk: row.made_at - ahead if row and row.made_at <= now_ms else 0 for pk, row in known.items()}
    rows = Score.objects.filter(series_id__in=batch, issued_at__gt=min(since.values()), issued_at__lte=now_ms - ahead)
    missed: dict[int, list[float]] = {pk: [] for pk in batch}
    for pk, at, n, inside in rows.order_by("issued_at").values_list("series_id", "issued_at", "n", "inside80"):
        if at > since[pk]:
            missed[pk].append(1 - inside / n)
    return {
        pk: (
            intervals.adapt(row.miss if row else intervals.MISSES, missed[pk]),
            (row.judged if row else 0) + len(missed[pk]),
        )
        for pk, row in known.items()
    }


def _issue(
    job: Job, past: Mapping[int, History], now_ms: int, fresh: set[int], report: Report, insist: Callable[[], None]
) -> None:
    due = set(job.to_issue(now_ms)) | fresh
    for batch in _batches([pk for pk in job.series if pk in due], BATCH[Tier.LIGHT]):
        standings = [job.standing(pk) for pk in batch]
        found = engine.issue([past[pk] for pk in batch], job.target, standings, now_ms, beside())
        slot = now_ms // KEPT_EVERY_MS
        rows = [
            pack(pk, one, is_kept=job.issued.get(pk, 0) // KEPT_EVERY_MS != slot)
            for pk, one in zip(batch, found, strict=True)
        ]
        with transaction.atomic():
            insist()
            IssuedForecast.objects.filter(series_id__in=batch, issued_at__gte=now_ms).delete()
            IssuedForecast.objects.filter(series_id__in=batch, is_current=True).update(is_current=False)
            IssuedForecast.objects.bulk_create(rows)
        report.issued += len(rows)
        report.empty += sum(one.is_empty for one in found)


def beside() -> Beside | None:
    """What moves the city's series, as far as it is set: its public holidays."""
    if not settings.HOLIDAYS:
        return None
    country, _, region = settings.HOLIDAYS.partition("-")
    return Holidays(country, time_zone.city_zone(), region or None)


def _forget(now_ms: int) -> None:
    """Forecasts nobody will ask for again: all but the kept ones after two days, those after sixty."""
    old = IssuedForecast.objects.filter(is_current=False)
    old.filter(is_kept=False, issued_at__lt=now_ms - RECENT_MS).delete()
    old.filter(issued_at__lt=now_ms - KEPT_MS).delete()


def _tier(job: Job) -> Tier:
    return Tier.HEAVY if any(METHODS[name].tier is Tier.HEAVY for name in job.methods) else Tier.LIGHT


def _batches(items: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
