# SPDX-License-Identifier: Apache-2.0
"""`manage.py runproduction`: the production profile on one machine; script/server --production calls it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from smartcity import firstrun, serving
from smartcity.processes import production
from smartcity.processes.production import Plan
from smartcity.processes.servers import Unavailable
from smartcity.telemetry.breaking_off import BreakingOff
from smartcity.web.management.commands.runcity import speed


class Command(BaseCommand):
    help = "PostgreSQL, Redis and Mosquitto on the loopback, and the city as several processes of each kind."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", default="127.0.0.1", help="where browsers come to (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="(8000)")
        parser.add_argument("--each", type=int, default=2, metavar="N", help="processes of each kind (2)")
        parser.add_argument("--city", type=Path, metavar="FILE.osm.pbf", help="another city, from an OSM extract")
        parser.add_argument("--speed", type=speed, metavar="1..60", help="how fast simulated time runs (1)")
        parser.add_argument("--empty", action="store_true", help="no demo: your own import, your own devices")

    def handle(self, *, address: str, port: int, each: int, empty: bool, **options: Any) -> None:
        if reason := serving.refusal(address, port):
            raise CommandError(f"Port {port} on {address} cannot be used ({reason.lower()}): choose another, --port.")
        if firstrun.write_secrets(settings.VAR / "secrets"):
            firstrun.again()
        more = [word for name in ("city", "speed") if options[name] for word in (f"--{name}", str(options[name]))]
        plan = Plan(address, port, each, not empty, more)
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        try:
            with BreakingOff() as breaking_off, self._standing(breaking_off) as found:
                self._run(plan, {**os.environ, **found, **threads}, breaking_off)
        except Unavailable as problem:
            raise CommandError(str(problem)) from None
        except KeyboardInterrupt:
            self._say("Stopped before the city was ready. Starting again makes what is missing.")
            sys.exit(128 + signal.SIGINT)

    def _standing(self, breaking_off: BreakingOff) -> AbstractContextManager[Mapping[str, str]]:
        return production.standing(settings.VAR / "production", breaking_off.here)

    def _run(self, plan: Plan, environment: dict[str, str], breaking_off: BreakingOff) -> None:
        code = production.prepare(plan, environment, settings.ROOT, breaking_off.here)
        if code:
            sys.exit(code)
        processes = production.children(plan, environment, settings.ROOT, settings.VAR / "street.json")
        host = "127.0.0.1" if plan.address in ("0.0.0.0", "::") else plan.address
        url = f"http://{host}:{plan.port}"
        asyncio.run(production.supervise(processes, url, self._say, breaking_off.here))
        self._say("Stopped. Starting again continues where the city stood.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
