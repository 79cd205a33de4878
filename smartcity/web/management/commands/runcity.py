# SPDX-License-Identifier: Apache-2.0
"""`manage.py runcity`: the whole city in one process, on the embedded databases or on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from smartcity import firstrun, serving
from smartcity.declared import Undeclared
from smartcity.transports.bridge.mapping import BadMapping
from smartcity.transports.mqtt.encryption import BadCertificate

SWITCH_S = 0.001  # worker threads give way to the event loop after 1 ms instead of 5


def speed(text: str) -> float:
    """How fast simulated time may run: 1 to 60."""
    found = float(text)
    if not 1 <= found <= 60:
        raise ValueError(text)
    return found


class Command(BaseCommand):
    help = "Run the city: web, device gateway, pipeline, loops, alarms and, in the demo, the simulated street."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", default="127.0.0.1", help="where to listen (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="(8000)")
        parser.add_argument("--city", type=Path, metavar="FILE.osm.pbf", help="another city, from an OSM extract")
        parser.add_argument("--speed", type=speed, metavar="1..60", help="how fast the simulated city may run (10)")
        parser.add_argument("--no-twin", action="store_true", help="the demo's city without its simulated street")
        parser.add_argument("--empty", action="store_true", help="no demo: your own import, your own devices")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._run(options)
        except (firstrun.CannotStart, Undeclared, BadMapping, BadCertificate) as reason:
            raise CommandError(str(reason)) from None
        except KeyboardInterrupt:  # a running city sees to it itself
            self._say("Stopped before the city was ready. Starting again makes what is missing.")
            sys.exit(128 + signal.SIGINT)

    def _run(self, options: dict[str, Any]) -> None:
        _check_address(options["address"], options["port"], "--port")
        host, _, port = settings.MQTT_ADDRESS.rpartition(":")
        _check_address(host, int(port), "SMARTCITY_MQTT")
        if firstrun.write_secrets(settings.VAR / "secrets"):
            firstrun.again()
        _allow_many_sockets()
        if firstrun.prepare(self._say, city=options["city"], demo=not options["empty"], ceiling=options["speed"]):
            firstrun.again()
        twin = not (options["no_twin"] or options["empty"])
        sys.setswitchinterval(SWITCH_S)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_live(options, twin, self._say))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


async def _live(options: dict[str, Any], twin: bool, say: firstrun.Say) -> None:
    from smartcity.city import City  # only now: it reads the clock and the tables that were prepared

    await City(options["address"], options["port"], twin=twin, say=say).run()


def _check_address(address: str, port: int, option: str) -> None:
    reason = serving.refusal(address, port)
    if reason:
        raise firstrun.CannotStart(
            f"Port {port} on {address} cannot be used ({reason.lower()}): stop what runs there, or choose another "
            f"port with {option}."
        )


def _allow_many_sockets() -> None:
    """One open file per device: raise the soft limit to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
