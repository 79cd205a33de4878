# SPDX-License-Identifier: Apache-2.0
"""The database is killed, stopped, and put on a disk that runs full; the city goes on and its devices wait."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.chaos import holdings, victims
from benchmarks.chaos.findings import Findings, Options, answers, judged
from benchmarks.chaos.fleet import Fleet, wait_until
from benchmarks.chaos.history import Log
from benchmarks.chaos.victims import Victim
from tests import servers
from tests.servers import Server

DEVICES: Final = 220
BEHIND_GATEWAY: Final = 20
RATE_S: Final = 300
PATIENCE_S: Final = 180.0
ON_THE_WIRE_S: Final = 1.0  # answers to commits of before the fault are still read so long after it
CAUGHT_UP_S: Final = 2.0
DISK_MB: Final = 400


@dataclass(slots=True)
class Outage:
    """Monotonic seconds: the database was gone from `down`, was let back `let_back`, answered at `up`, and the devices
    had caught up at `caught_up`."""

    down: float
    let_back: float = 0.0
    up: float = 0.0
    caught_up: float = 0.0

    @property
    def lasted_s(self) -> float:
        return self.up - self.down

    @property
    def catch_up_s(self) -> float:
        return self.caught_up - self.up

    def acknowledged_meanwhile(self, log: Log) -> int:
        return int(np.sum((log.heard_at > self.down + ON_THE_WIRE_S) & (log.heard_at < self.let_back)))


def killed(found: Findings, options: Options) -> None:
    """PostgreSQL is killed under load, again and again."""
    with servers.postgresql(durable=True) as (url, server):
        _run(found, options, url, lambda fleet: _kills(fleet, server, options))


def stopped(found: Findings, options: Options) -> None:
    """PostgreSQL is stopped for a minute."""
    with servers.postgresql(durable=True) as (url, server):
        _run(found, options, url, lambda fleet: [stop_for(fleet, server, 5 if options.quick else 60)])


def full_postgresql(found: Findings, options: Options) -> None:
    """The disk PostgreSQL lies on runs full."""
    with (
        tempfile.TemporaryDirectory(prefix="smartcity-disk-") as folder,
        victims.small_disk(Path(folder), DISK_MB) as disk,
    ):
        disk.chmod(0o755)
        with servers.postgresql(durable=True, under=disk) as (url, server):
            _run(found, options, url, lambda fleet: [_fill(fleet, disk, server, 5 if options.quick else 60)])


def full_sqlite(found: Findings, options: Options) -> None:
    """The disk all of the city's files lie on runs full."""
    with (
        tempfile.TemporaryDirectory(prefix="smartcity-disk-") as folder,
        victims.small_disk(Path(folder), DISK_MB) as disk,
    ):
        _run(found, options, "", lambda fleet: [_fill(fleet, disk, None, 5 if options.quick else 60)], var=disk)


def _run(
    found: Findings, options: Options, url: str, break_it: Callable[[Fleet], list[Outage]], var: Path | None = None
) -> None:
    with ExitStack() as stack:
        folder = var or stack.enter_context(options.room(found.scenario))
        city = stack.enter_context(
            victims.victim(folder, devices=DEVICES, behind_gateway=BEHIND_GATEWAY, database_url=url)
        )
        fleet = stack.enter_context(Fleet(city.ports, DEVICES, behind_gateway=BEHIND_GATEWAY, rate_s=RATE_S))
        fleet.talk()
        wait_until(lambda: fleet.book.acknowledged > 500, PATIENCE_S)
        outages = break_it(fleet)
        time.sleep(1)
        fleet.fall_silent()
        fleet.drain(PATIENCE_S)
        health = city.health()
        city.stop()
        log = fleet.book.read()
        held = holdings.read(city.environment, folder / "held.npz")
    judged(found, log, held)
    answers(found, log)
    _tell(found, outages, log, fleet, city)
    found.add("restarts_of_tasks", sum(task["failures"] for task in health["tasks"].values()))


def _tell(found: Findings, outages: list[Outage], log: Log, fleet: Fleet, city: Victim) -> None:
    meanwhile = sum(outage.acknowledged_meanwhile(log) for outage in outages)
    worst = max(outages, key=lambda outage: outage.catch_up_s / outage.lasted_s)
    longest = max(outage.lasted_s for outage in outages)
    found.add("outages", len(outages))
    found.add("longest_outage_s", round(longest, 1))
    found.add("acknowledged_meanwhile", meanwhile, at_most=0)
    found.add("catch_up_worst_s", round(max(outage.catch_up_s for outage in outages), 1))
    found.add("catch_up_over_outage", round(worst.catch_up_s / worst.lasted_s, 2), at_most=1)
    found.add("held_back_by_devices", fleet.held_back)
    found.add("city_cpu_s", round(city.cpu_s, 1))
    found.headline += f"; {len(outages)} outages, caught up in {worst.catch_up_s / worst.lasted_s:.2f} of the outage"


def _kills(fleet: Fleet, server: Server, options: Options) -> list[Outage]:
    chance = random.Random(options.seed)
    outages = []
    for _ in range(2 if options.quick else 10):
        time.sleep(chance.uniform(1, 4))
        outage = Outage(time.monotonic())
        server.kill()
        time.sleep(chance.uniform(1, 4))
        _back(fleet, server, outage)
        outages.append(outage)
    return outages


def stop_for(fleet: Fleet, server: Server, for_s: float) -> Outage:
    server.stop()
    outage = Outage(time.monotonic())
    time.sleep(for_s)
    _back(fleet, server, outage)
    return outage


def _fill(fleet: Fleet, disk: Path, server: Server | None, for_s: float) -> Outage:
    """The database may have given up altogether; then it is started again once there is room, as an operator would."""
    with victims.full(disk):
        outage = Outage(time.monotonic())
        time.sleep(for_s)
    _back(fleet, server if server is not None and server.process.poll() is not None else None, outage)
    return outage


def _back(fleet: Fleet, server: Server | None, outage: Outage) -> None:
    """Wait until nobody waits longer than usual."""
    outage.let_back = time.monotonic()
    if server is not None:
        server.start()
    outage.up = time.monotonic()
    had = fleet.book.acknowledged
    wait_until(lambda: fleet.book.acknowledged > had and fleet.oldest_unanswered_s < CAUGHT_UP_S, PATIENCE_S)
    outage.caught_up = time.monotonic()
    print(f"  gone {outage.lasted_s:.1f} s, caught up in {outage.catch_up_s:.1f} s", file=sys.stderr, flush=True)
