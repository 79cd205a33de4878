# SPDX-License-Identifier: Apache-2.0
"""Start the street (`python -m smartcity.twin`) on this city's file; --list shows what it would simulate."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", nargs="+", default=[], metavar="DOMAIN", help="simulate these domains only")
        parser.add_argument("--list", action="store_true", help="show what would be simulated, and end")
        parser.add_argument("--mqtt", default="", metavar="HOST:PORT", help="the device gateway, if not the default")
        parser.add_argument("--http", default="", metavar="URL", help="the city, if not http://127.0.0.1:8000")

    def handle(self, **options: Any) -> None:
        """Becomes the twin: that process must not have Django in it (SUMO and SpatiaLite do not share one)."""
        chosen = ["--list"] * options["list"]
        for name in ("mqtt", "http"):
            chosen += [f"--{name}", options[name]] if options[name] else []
        chosen += ["--only", *options["only"]] if options["only"] else []
        command = [sys.executable, "-m", "smartcity.twin", "--street", str(settings.VAR / "street.json"), *chosen]
        self.stdout.flush()
        os.chdir(settings.ROOT)
        os.execv(sys.executable, command)
