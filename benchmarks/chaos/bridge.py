# SPDX-License-Identifier: Apache-2.0
"""A city behind a Mosquitto, both killed at random moments: with the city listening, with a slow one, with one away.

Nothing that the city's bridge has acknowledged to the broker may be missing. What the broker has acknowledged to a
device and never delivered, or delivered and forgotten before the bridge acknowledged it, is the broker's loss: it is
counted and shown, and nobody behind the broker could have kept it.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.chaos import behind, judge
from benchmarks.chaos.behind import Bridged
from benchmarks.chaos.findings import Findings, Options
from benchmarks.chaos.fleet import Fleet
from benchmarks.chaos.history import Heard, Log, Rows, payload
from benchmarks.chaos.provision import uid
from benchmarks.chaos.tap import Message, Tap
from tests import servers
from tests.servers import Server

DEVICES: Final = 200
RATE_S: Final = 300
PATIENCE_S: Final = 120.0
SLICE_S: Final = 3.0  # of which more comes, while it is stopped, than the broker may have under way
RUNS: Final = 0.2  # of the time a slow city runs
BROKER: Final = (
    "persistence true", "autosave_interval 1", "max_queued_messages 0", "max_inflight_messages 500", "sys_interval 1",
)  # fmt: skip
Claims = NDArray[np.bool_]  # one for each message that was acknowledged to its device


@dataclass(frozen=True, slots=True)
class Phase:
    """Whether the city listens, and between which monotonic seconds."""

    name: str
    began: float
    ended: float


def run(found: Findings, options: Options) -> None:
    kills, longest_s = (1, 1.0) if options.quick else (4, 3.0)
    with (
        options.room(found.scenario) as var,
        servers.broker(*BROKER) as (port, server),
        Tap(servers.free_port(), port) as tap,
        behind.bridged(tap.port, var, DEVICES) as platform,
        Fleet((0, port), DEVICES, rate_s=RATE_S) as fleet,
    ):
        trial = Trial(fleet, server, platform, random.Random(options.seed), kills, longest_s)
        phases = [trial.phase("listening"), trial.phase("slow"), trial.phase("away")]
        log = fleet.book.read()
        held = platform.stopped()
    found.add("broker_settings", "; ".join(BROKER))
    found.add("kills_of_broker", trial.broker_kills)
    found.add("kills_of_city", trial.city_kills)
    _told(found, log, held, tap, phases)
    for name in ("broker_dropped", "sessions_lost", "without_qos", "given_up"):
        found.add(f"{name}_last_start", int(trial.told[name] or 0))


@dataclass(slots=True)
class Trial:
    """Each phase kills so many times whom it kills, at random moments up to `longest_s` apart. `told` is what the
    bridge counted, since its last start, by the end of the last phase."""

    fleet: Fleet
    server: Server
    platform: Bridged
    chance: random.Random
    kills: int
    longest_s: float
    broker_kills: int = 0
    city_kills: int = 0
    told: Mapping[str, Any] = field(default_factory=dict)

    def phase(self, name: str) -> Phase:
        """Over once the city has caught up, so that a phase answers for itself alone."""
        began = time.monotonic()
        self.fleet.talk()
        {"listening": self._listening, "slow": self._slow, "away": self._away}[name]()
        self.fleet.fall_silent()
        self.fleet.drain(PATIENCE_S)
        self.told = self.platform.settle()
        return Phase(name, began, time.monotonic())

    def _listening(self) -> None:
        for _ in range(self.kills):
            self._kill_broker()
            self._wait()
            self.platform.killed()
            self.city_kills += 1
        self._wait()

    def _slow(self) -> None:
        """It is stopped for four fifths of every three seconds."""
        with slowed(self.platform):
            for _ in range(self.kills):
                self._kill_broker()
            self._wait()

    def _away(self) -> None:
        """The broker is killed while it collects for a city that was killed."""
        self.platform.city.kill()
        self.city_kills += 1
        for _ in range(self.kills):
            self._kill_broker()
        self._wait()
        self.platform.city.start()

    def _wait(self) -> None:
        self.fleet.hear_more(100, PATIENCE_S)
        time.sleep(self.chance.uniform(0.5, self.longest_s))

    def _kill_broker(self) -> None:
        self._wait()
        self.server.kill()
        self.server.start()
        self.broker_kills += 1


@contextmanager
def slowed(platform: Bridged) -> Iterator[None]:
    """SIGSTOP and SIGCONT in turn."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            platform.pause(True)
            over.wait((1 - RUNS) * SLICE_S)
            platform.pause(False)
            over.wait(RUNS * SLICE_S)

    thread = threading.Thread(target=run, name="slow")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        platform.pause(False)


def _told(found: Findings, log: Log, held: Rows, tap: Tap, phases: list[Phase]) -> None:
    promised = log.that_heard(Heard.ACKNOWLEDGED)
    there = np.isin(promised.readings.key, held.key).reshape(-1, log.each).all(axis=1)
    delivered, acknowledged = (_among(promised, some) for some in (tap.heard.delivered, tap.heard.acknowledged))
    ours = int((acknowledged & ~there).sum())
    found.add("messages_acknowledged_by_broker", len(promised), at_least=1)
    found.add("messages_acknowledged_by_bridge", int(acknowledged.sum()), at_least=1)
    found.add("delivered_again", tap.heard.again)
    found.add("lost", ours, at_most=0)
    _broker(found, promised, ~delivered & ~there, delivered & ~acknowledged & ~there, phases)
    verdict = judge.compare(log, held)
    for name in ("duplicated", "altered", "unsaid"):
        found.add(name, getattr(verdict, name), at_most=0)
    theirs = int((~acknowledged & ~there).sum())
    found.headline = f"{ours:,} of {int(acknowledged.sum()):,} acknowledged by the bridge lost"
    found.headline += f"; of {len(promised):,} acknowledged by the broker it lost {theirs:,} itself"


def _broker(found: Findings, promised: Log, never: Claims, forgotten: Claims, phases: list[Phase]) -> None:
    """What it lost, in all and by phase."""
    found.add("never_delivered_by_broker", int(never.sum()))
    found.add("forgotten_by_broker", int(forgotten.sum()))
    for phase in phases:
        within = (promised.sent >= phase.began) & (promised.sent < phase.ended)
        found.add(f"{phase.name}_messages_acknowledged_by_broker", int(within.sum()))
        found.add(f"{phase.name}_never_delivered_by_broker", int((never & within).sum()))
        found.add(f"{phase.name}_forgotten_by_broker", int((forgotten & within).sum()))


def _among(log: Log, some: set[Message]) -> Claims:
    """Which messages of the log are in a set of what went over the line."""
    lines = zip(log.device.tolist(), log.number.tolist(), log.at.tolist(), strict=True)
    return np.array(
        [(f"sc/{uid(d)}/up", payload(d, number, at, log.each)) in some for d, number, at in lines], np.bool_
    )
