# SPDX-License-Identifier: Apache-2.0
"""A whole city of several processes, as the production profile runs it: each may be stopped, paused and killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests import servers
from tests.city import ROOT, City
from tests.servers import Server, free_port

KINDS = ("ingest", "control", "web", "forecasts")
PATIENCE_S = 120.0


@dataclass(slots=True)
class Process:
    """One process of the city; `port` is the one of its own HTTP door, 0 where it has none."""

    kind: str
    number: int
    port: int
    mqtt_port: int
    popen: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def pause(self) -> None:
        self.popen.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.popen.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()

    def stop(self, within_s: float = 30) -> int:
        """Its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGCONT)
            self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.kind} {self.number} did not stop: {self.said()}") from None


@dataclass(slots=True)
class Apart:
    """The processes with their database and Redis. Every process has ports of its own, but for an `mqtt_port` that all
    ingesters share where it is set."""

    var: Path
    environment: Mapping[str, str]
    redis: Server
    password: str = ""
    mqtt_port: int = 0
    processes: list[Process] = field(default_factory=list)

    def start(self, kind: str, number: int = 1) -> Process:
        port, mqtt = free_port(), self.mqtt_port or free_port()
        command = [sys.executable, "manage.py", f"run{kind}"]
        command += [] if kind == "forecasts" else ["--port", str(port)]
        command += ["--share"] if kind == "ingest" and self.mqtt_port else []
        log = self.var / f"{kind}-{number}-{port}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", "--", *command],
                cwd=ROOT,
                env={**self.environment, "SMARTCITY_MQTT": f"127.0.0.1:{mqtt}"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        made = Process(kind, number, 0 if kind == "forecasts" else port, mqtt, popen, log)
        self.processes.append(made)
        return made

    def of(self, kind: str) -> list[Process]:
        return [one for one in self.processes if one.kind == kind and one.popen.poll() is None]

    def wait_until_ready(self, patience_s: float = PATIENCE_S) -> None:
        """Every process that has a door says it is ready."""
        for one in self.processes:
            if one.port and one.popen.poll() is None:
                wait_until_ready(one, patience_s)

    def page(self, number: int = 0) -> City:
        """What the web process says, with the means of tests.city."""
        one = self.of("web")[number]
        return City(f"http://127.0.0.1:{one.port}", self.of("ingest")[0].mqtt_port, self.var, one.popen, one.log)

    def run(self, *arguments: str) -> str:
        """Another command of the city's; what it prints."""
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=dict(self.environment), cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        for one in reversed(self.processes):
            one.stop()


def wait_until_ready(one: Process, patience_s: float = PATIENCE_S) -> None:
    door = City(f"http://127.0.0.1:{one.port}", one.mqtt_port, one.log.parent, one.popen, one.log)
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        assert one.popen.poll() is None, f"{one.kind} ended with {one.popen.returncode}: {one.said()}"
        with contextlib.suppress(OSError):
            if door.get("/ready")[0] == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"{one.kind} {one.number} is not ready: {one.said()}")


@contextlib.contextmanager
def apart(*, durable: bool = False, var: Path | None = None) -> Iterator[Apart]:
    """Database (with the city's tables unless `durable`) and Redis stand, nothing of the city runs yet; everything is
    stopped at the end."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(servers.postgis(durable=True) if durable else servers.city_tables())
        redis, redis_url = stack.enter_context(servers.redis_server())
        folder = var or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smartcity-apart-")))
        given = {name: value for name, value in os.environ.items() if not name.startswith("SMARTCITY_")}
        given |= {
            "DATABASE_URL": url,
            "REDIS_URL": redis_url,
            "SMARTCITY_VAR": str(folder),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "smartcity.settings",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        made = Apart(folder, given, redis)
        try:
            yield made
        finally:
            for one in made.processes:
                if one.popen.poll() is None:
                    one.kill()


def start_all(city: Apart, kinds: Sequence[str] = KINDS) -> None:
    """One process for each of the names, which may come more than once."""
    for place, kind in enumerate(kinds):
        city.start(kind, 1 + kinds[:place].count(kind))
    city.wait_until_ready()
