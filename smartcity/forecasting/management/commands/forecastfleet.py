# SPDX-License-Identifier: Apache-2.0
"""Forecast every light series of the city as of one instant, slice by slice; broken off, it goes on where it was."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from smartcity import declared
from smartcity.api.views import instant
from smartcity.forecasting import executors, fleet, jobs
from smartcity.forecasting.fleet import Planned, Slices
from smartcity.forecasting.models import FleetJob
from smartcity.forecasting.worker import Report
from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import clock
from smartcity.telemetry.breaking_off import BreakingOff
from smartcity.telemetry.headway import Headway


@dataclass(frozen=True, slots=True)
class Lane:
    """What carries all of a command's jobs out: its processes begin once, which takes them two seconds each."""

    name: str
    runner: executors.Runner
    breaking_off: BreakingOff


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--origin", default="now", metavar="INSTANT", help="now, or ISO 8601 with an offset (now)")
        parser.add_argument("--metric", nargs="+", default=[], metavar="METRIC", help="of these metrics only")
        parser.add_argument("--calibrate", action="store_true", help="backtest every series first; six times the work")
        parser.add_argument(
            "--partition-size", type=int, default=fleet.SIZE, metavar="N", help=f"series a job ({fleet.SIZE})"
        )
        parser.add_argument("--executor", default="", help="instead of SMARTCITY_FORECAST_EXECUTOR")

    def handle(
        self, *, origin: str, metric: list[str], calibrate: bool, partition_size: int, executor: str, **_: Any
    ) -> None:
        if partition_size < 1:
            raise CommandError("--partition-size must be at least 1.")
        found, now_ms = self._found(metric), self._now_ms(origin)
        name = executor or fleet.executor(found) or executors.HERE
        at = None if origin == "now" else now_ms
        ids = {target: [row[0] for row in rows] for target, rows in found.items()}
        try:
            with BreakingOff() as breaking_off, executors.opened(name) as runner:
                for what in [FleetJob.What.CALIBRATE] * calibrate + [FleetJob.What.ISSUE]:
                    made = [fleet.plan(target, ids[target], what, now_ms, size=partition_size, at=at) for target in ids]
                    self._carry_out(made, what, Lane(name, runner, breaking_off))
        except executors.Unusable as no:
            raise CommandError(str(no)) from None
        except KeyboardInterrupt:
            raise CommandError("Broken off. The same command goes on where it was.", returncode=130) from None

    def _found(self, metrics: list[str]) -> Slices:
        known = {target.metric for target in declared.targets()}
        if unknown := sorted(set(metrics) - known):
            raise CommandError(f"Not foreseen: {', '.join(unknown)}. There is {', '.join(sorted(known))}.")
        found = fleet.light(jobs.foreseen(metrics))
        if not found:
            raise CommandError("No series for a fleet: costly targets of few series are manage.py refreshforecasts'.")
        return found

    def _now_ms(self, origin: str) -> int:
        anchor = clocks.load(settings.VAR / "clock.json")
        now_ms = anchor.city_ms if anchor else clock.now_ms()
        try:
            at = now_ms if origin == "now" else instant(origin, "--origin")
        except ValidationError:
            raise CommandError("--origin: write now, or ISO 8601 with an offset: 2026-11-19T16:42Z.") from None
        if not 0 <= now_ms - at < jobs.HOUR_MS:
            raise CommandError("--origin must lie within the last hour: what was issued since then would be lost.")
        return at

    def _carry_out(self, plans: list[Planned], what: str, lane: Lane) -> None:
        report, progress, began = Report(), Headway(sys.stderr, unit="series"), time.perf_counter()
        series, whole = sum(one.series for one in plans), sum(one.jobs for one in plans)
        todo = sum(len(one.undone) for one in plans)
        before = f", {whole - todo:,} of them done before" if todo < whole else ""
        self.stdout.write(f"{what}: {series:,} series in {whole:,} jobs{before}, by {lane.name}")
        self.stdout.flush()
        try:
            fleet.carry_out(plans, lane.runner, report, lane.breaking_off.watching(progress))
        finally:
            report.seconds = time.perf_counter() - began
        progress.end(report.issued or report.calibrated)
        self.stdout.write(report.words())
        if report.failed:
            raise CommandError(f"{len(report.failed):,} jobs failed, see the log; the same command tries them again.")
