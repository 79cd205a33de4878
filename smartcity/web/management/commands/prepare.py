# SPDX-License-Identifier: Apache-2.0
"""`manage.py prepare`: what a first start makes, for a city of several processes; run it once before they start."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from smartcity import firstrun
from smartcity.declared import Undeclared
from smartcity.web.management.commands.runcity import speed


class Command(BaseCommand):
    help = "Make what is missing: secrets, tables, an administrator and, for the demo, its city and its history."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--demo", action="store_true", help="with the demo's city and its simulated street")
        parser.add_argument("--city", type=Path, metavar="FILE.osm.pbf", help="another city, from an OSM extract")
        parser.add_argument("--speed", type=speed, metavar="1..60", help="how fast simulated time runs (1)")

    def handle(self, **options: Any) -> None:
        try:
            if firstrun.write_secrets(settings.VAR / "secrets"):
                firstrun.again()
            wish = options["speed"] or 1.0
            firstrun.prepare(self._say, city=options["city"], demo=options["demo"], ceiling=wish)
        except (firstrun.CannotStart, Undeclared) as reason:
            raise CommandError(str(reason)) from None
        self._say("Everything stands.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
