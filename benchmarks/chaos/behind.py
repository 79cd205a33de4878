# SPDX-License-Identifier: Apache-2.0
"""What may stand behind a broker: the usual subscriber, or a city with its bridge. Both are processes one can kill."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from benchmarks.chaos import holdings, subscriber
from benchmarks.chaos.history import Rows
from benchmarks.chaos.victims import Victim, victim
from tests import city as cities

AT_REST_S: Final = 2.0
PATIENCE_S: Final = 120.0
MAPPING: Final = """[broker]
address = "127.0.0.1:{port}"
drops_topic = "$SYS/broker/publish/messages/dropped"

[[source]]
format = "plain"
topic = "sc/{{device}}/up"
codec = "senml"
"""


class Platform(Protocol):
    def killed(self) -> None:
        """kill -9, started again at once; returns when it listens again."""
        ...

    def held(self) -> Rows:
        """Stop it when no more comes, and read what it holds. Call once, at the end."""
        ...


@dataclass(slots=True)
class Stock:
    """`session` is the word the subscriber takes: clean or session."""

    port: int
    file: Path
    session: str
    process: subprocess.Popen[str] = field(init=False)

    def start(self) -> None:
        command = [sys.executable, "-m", "benchmarks.chaos.subscriber", str(self.port), str(self.file), self.session]
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "--", *command], cwd=cities.ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the subscriber does not listen")

    def killed(self) -> None:
        self.end()
        self.start()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def held(self) -> Rows:
        at_rest(lambda: subscriber.stored(self.file))
        self.end()
        return subscriber.holdings(self.file)


@dataclass(slots=True)
class Bridged:
    """A city that hears its devices through the broker, and no other way."""

    city: Victim

    def killed(self) -> None:
        self.city.kill()
        self.city.start()

    def pause(self, paused: bool) -> None:
        self.city.running.process.send_signal(signal.SIGSTOP if paused else signal.SIGCONT)

    def settle(self) -> Mapping[str, Any]:
        """Wait until the broker has no more for it; what its bridge counted since this start of it."""
        with self.city.running.sign_in("admin", self.city.password) as browser:

            def told() -> dict[str, Any]:
                bridge: dict[str, Any] = browser.get("/api/v1/health").raise_for_status().json()["bridge"]
                return bridge

            def stored() -> int | None:
                bridge = told()
                return bridge["stored"] if bridge["connected"] and not bridge["in_flight"] else None

            at_rest(stored)
            return told()

    def held(self) -> Rows:
        self.settle()
        return self.stopped()

    def stopped(self) -> Rows:
        """The same of one that is known to have settled."""
        self.city.stop()
        return holdings.read(self.city.environment, self.city.var / "held.npz").readings


@contextlib.contextmanager
def stock(port: int, var: Path, session: str) -> Iterator[Stock]:
    platform = Stock(port, var / "rows.sqlite", session)
    platform.start()
    try:
        yield platform
    finally:
        platform.end()


@contextlib.contextmanager
def bridged(port: int, var: Path, devices: int) -> Iterator[Bridged]:
    file = var / "bridge.toml"
    file.write_text(MAPPING.format(port=port))
    with victim(var, devices=devices, more={"SMARTCITY_BRIDGE": str(file)}) as city:
        yield Bridged(city)


def at_rest(count: Callable[[], int | None]) -> None:
    """Until nothing has been added for two seconds; None says that something is under way. Raises TimeoutError."""
    deadline, before, since = time.monotonic() + PATIENCE_S, count(), time.monotonic()
    while time.monotonic() - since < AT_REST_S:
        if time.monotonic() > deadline:
            raise TimeoutError("it does not come to rest")
        time.sleep(0.3)
        now = count()
        if now is None or now != before:
            before, since = now, time.monotonic()
