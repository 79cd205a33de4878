# SPDX-License-Identifier: Apache-2.0
"""Score, backtest and issue the forecasts that are due; the city does this by itself while it runs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from smartcity import declared
from smartcity.forecasting import runner
from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import clock


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", nargs="+", default=[], metavar="METRIC", help="of these metrics only")
        parser.add_argument("--budget", type=float, default=600.0, metavar="S", help="seconds for backtests (600)")

    def handle(self, *, only: list[str], budget: float, **options: Any) -> None:
        known = {target.metric for target in declared.targets()}
        if unknown := sorted(set(only) - known):
            raise CommandError(f"Not foreseen: {', '.join(unknown)}. There is {', '.join(sorted(known))}.")
        anchor = clocks.load(settings.VAR / "clock.json")
        now_ms = anchor.city_ms if anchor else clock.now_ms()
        report = runner.refresh(now_ms, budget_s=budget, metrics=only)
        self.stdout.write(report.words())
        if report.failed:
            raise CommandError("See the log above.")
