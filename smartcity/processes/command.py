# SPDX-License-Identifier: Apache-2.0
"""What the commands have in common that run one process of a city of several."""

from __future__ import annotations

import asyncio
import os
import sys
from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Coroutine
from typing import Any, ClassVar

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from smartcity import firstrun, serving
from smartcity.declared import Undeclared
from smartcity.devices import time_zone
from smartcity.processes.part import Say
from smartcity.transports.bridge.mapping import BadMapping
from smartcity.transports.mqtt.encryption import BadCertificate
from smartcity.transports.mqtt.gateway import raise_file_limit

SWITCH_S = 0.001  # worker threads give way to the event loop after 1 ms instead of 5
FOR_FILES = "Processes apart need PostgreSQL: set DATABASE_URL, or run the whole city in one with manage.py runcity."
NO_REDIS = "Processes apart pass live values on through Redis: set REDIS_URL."
NOT_PREPARED = "The database is not ready for this version ({}): run manage.py prepare first."


class ProcessCommand(BaseCommand, ABC):
    """`port` is the default; `main` runs the process until a signal asks it to stop."""

    port: ClassVar[int]
    requires_system_checks = ()

    @abstractmethod
    def main(self, address: str, port: int, say: Say, *, shares_port: bool) -> Coroutine[Any, Any, None]: ...

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", default="127.0.0.1", help="where to listen (127.0.0.1)")
        parser.add_argument("--port", type=int, default=self.port, help=f"({self.port})")
        parser.add_argument("--share", action="store_true", help="let other processes of this kind listen there too")

    def handle(self, *, address: str, port: int, share: bool, **options: Any) -> None:
        os.environ.setdefault("PGAPPNAME", f"smartcity {type(self).__module__.rpartition('.')[2]}")
        try:
            check()
            if not share and (reason := serving.refusal(address, port)):
                raise firstrun.CannotStart(f"Port {port} on {address} cannot be used ({reason.lower()}): see --port.")
            time_zone.learn()  # the database is not asked from within the loop
            raise_file_limit()
            os.environ.setdefault("OMP_NUM_THREADS", "1")
            sys.setswitchinterval(SWITCH_S)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self.main(address, port, self._say, shares_port=share))
        except (firstrun.CannotStart, Undeclared, BadMapping, BadCertificate) as reason:
            raise CommandError(str(reason)) from None
        except OSError as problem:
            raise CommandError(f"It cannot start: {problem.strerror or problem}.") from None

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def check() -> None:
    """Raises firstrun.CannotStart where a process apart cannot work."""
    if connections["default"].vendor != "postgresql":
        raise firstrun.CannotStart(FOR_FILES)
    if not settings.REDIS_URL:
        raise firstrun.CannotStart(NO_REDIS)
    for alias in connections:
        try:
            executor = MigrationExecutor(connections[alias])
            missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError as error:
            raise firstrun.CannotStart(f"The {alias} database does not answer ({str(error).strip()}).") from None
        if missing:
            raise firstrun.CannotStart(NOT_PREPARED.format(missing[0][0]))
        connections[alias].close()
