# SPDX-License-Identifier: Apache-2.0
"""A whole city as a process of its own, as `script/server` runs it: on free ports, in a temporary data folder."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers import descendants, free_port

__all__ = ["City", "alive", "city", "descendants", "start", "wait_until_it_answers"]

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 240.0  # the demo imports a map and writes eight weeks of history first


@dataclass(slots=True)
class City:
    """A running city; `said()` is what this start of it has printed so far."""

    url: str
    mqtt_port: int
    var: Path
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def password(self) -> str:
        """The administrator's, printed once by the first start."""
        found = re.search(r"password:?\s+(\S+)", self.said())
        assert found, self.said()
        return found[1]

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    @contextlib.contextmanager
    def sign_in(self, name: str, password: str) -> Iterator[httpx.Client]:
        """A browser of theirs, signed in; its requests carry the session and what protects it."""
        with httpx.Client(base_url=self.url, timeout=30, headers={"Origin": self.url, "Referer": self.url}) as browser:
            page = browser.get("/sign-in/")
            token = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
            form = {"username": name, "password": password, "csrfmiddlewaretoken": token}
            answer = browser.post("/sign-in/", data=form)
            assert answer.status_code == 302, answer.text
            renewed = browser.cookies.get("csrftoken") or browser.cookies.get("mobile_csrf")
            browser.headers["X-CSRFToken"] = renewed or token
            yield browser

    def stop(self, how: signal.Signals = signal.SIGINT, within_s: float = 20) -> int:
        """Its exit code; a city that does not stop in time is killed and fails the test."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise


@contextlib.contextmanager
def city(*options: str, var: Path | None = None, **environment: str) -> Iterator[City]:
    """`manage.py runcity` with these options, from the moment it answers; stopped at the end whatever happens."""
    with contextlib.ExitStack() as stack:
        folder = var or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smartcity-city-")))
        started = start(*options, var=folder, ports=None, **environment)
        try:
            wait_until_it_answers(started)
            yield started
        finally:
            started.stop()


def start(*options: str, var: Path, ports: tuple[int, int] | None = None, **environment: str) -> City:
    """Without waiting for anything; the caller stops it. `ports` are web and MQTT, free ones where not given."""
    web, mqtt = ports or (free_port(), free_port())
    given = {name: value for name, value in os.environ.items() if not name.startswith("SMARTCITY_")}
    given |= {"SMARTCITY_VAR": str(var), "SMARTCITY_MQTT": f"127.0.0.1:{mqtt}", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "manage.py", "runcity", "--port", str(web), *options]
    log = var / f"said-{web}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig=TERM", "--", *command],
            cwd=ROOT,
            env=given | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return City(f"http://127.0.0.1:{web}", mqtt, var, process, log)


def wait_until_it_answers(city: City, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        assert city.process.poll() is None, f"the city ended with {city.process.returncode}: {city.said()}"
        with contextlib.suppress(OSError):
            if city.get("/clock")[0] == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"the city does not answer: {city.said()}")


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a zombie does not."""
    running = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            running |= {pid} if state != "Z" else set()
    return running
