# SPDX-License-Identifier: Apache-2.0
"""Write the weeks before today for every simulated device, at 15 minutes, so that forecasts have a past."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import clock
from smartcity.twin.backfill import DAYS, backfill
from smartcity.twin.history import BadHistory
from smartcity.twin.street import BadStreet


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=float, default=DAYS, help="how far back (default: eight weeks)")
        parser.add_argument("--only", nargs="+", default=[], metavar="DOMAIN", help="of these domains only")

    def handle(self, *, days: float, only: list[str], **options: Any) -> None:
        """The past ends where the city's clock stands, or now where it has never run."""
        anchor = clocks.load(settings.VAR / "clock.json")
        now_ms = anchor.city_ms if anchor else clock.now_ms()
        try:
            report = backfill(now_ms, days=days, only=only, progress=self._tell)
        except (BadStreet, BadHistory) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(report.words())

    def _tell(self, share: float, words: str) -> None:
        self.stdout.write(f"  {share:4.0%}  {words}")
        self.stdout.flush()
