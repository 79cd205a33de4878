# SPDX-License-Identifier: Apache-2.0
"""Score, backtest and issue the forecasts that are due; the city runs this beside itself with --follow."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from smartcity import declared
from smartcity.forecasting import following, runner, weather
from smartcity.forecasting.worker import Report
from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import clock

KINDNESS = 10


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", nargs="+", default=[], metavar="METRIC", help="of these metrics only")
        parser.add_argument("--budget", type=float, default=600.0, metavar="S", help="seconds for backtests (600)")
        parser.add_argument("--follow", default="", metavar="URL", help="keep on, by the clock of the city there")

    def handle(self, *, only: list[str], budget: float, follow: str, verbosity: int, **options: Any) -> None:
        known = {target.metric for target in declared.targets()}
        if unknown := sorted(set(only) - known):
            raise CommandError(f"Not foreseen: {', '.join(unknown)}. There is {', '.join(sorted(known))}.")
        fetch = partial(weather.take, weather.configured())
        if follow:
            os.nice(KINDNESS)
            told = self._tell if verbosity > 1 else lambda report: None
            following.follow(lambda: following.city_ms(follow), told, fetch=fetch)
            return
        anchor = clocks.load(settings.VAR / "clock.json")
        now_ms = anchor.city_ms if anchor else clock.now_ms()
        report = runner.refresh(now_ms, budget_s=budget, metrics=only, fetch=fetch if settings.WEATHER else None)
        self._tell(report)
        if report.failed:
            raise CommandError(f"No forecasts of {', '.join(report.failed)}: see the log.")

    def _tell(self, report: Report) -> None:
        self.stdout.write(report.words())
        self.stdout.flush()
