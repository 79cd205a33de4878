# SPDX-License-Identifier: Apache-2.0
"""A city of several processes: Redis goes, and each process in turn stands still while its like goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import psycopg

from benchmarks.chaos import holdings, rounds
from benchmarks.chaos.findings import Findings, Options, answers, judged
from benchmarks.chaos.fleet import Fleet, wait_until
from benchmarks.chaos.lamps import Asked, Lamps, Operator
from benchmarks.chaos.rounds import Minutes
from benchmarks.chaos.screen import Screen
from smartcity.bus import words
from tests import apart
from tests.apart import Apart, Process
from tests.servers import free_port

DEVICES: Final = 60
LAMPS: Final = 12
RATE_S: Final = 200
PATIENCE_S: Final = 120.0
SAID_WITHIN_S: Final = 10.0
RESYNC_S: Final = 5.0
YOUNG_S: Final = 3.0
ENDS: Final = frozenset({"applied", "verified", "refused", "expired", "failed", "superseded", "rolled back"})


@dataclass(slots=True)
class Stage:
    city: Apart
    fleet: Fleet
    lamps: Lamps
    operator: Operator
    screens: list[Screen]
    minutes: Minutes


@contextmanager
def stage(var: Path, kinds: Sequence[str]) -> Iterator[Stage]:
    """The processes, devices that speak, lamps that obey, an operator, a screen a web process, and somebody who notes
    which loop ran when. Devices come to one port, which all ingesters share."""
    with apart.apart(durable=True, var=var) as city:
        city.mqtt_port = free_port()
        said = city.run("-m", "benchmarks.chaos.provision", str(DEVICES + LAMPS), "0", "luminaire")
        city.password = said.partition("password")[2].split()[0]
        apart.start_all(city, kinds)
        pages = [f"http://127.0.0.1:{one.port}" for one in city.of("web")]
        with city.page().sign_in("admin", city.password) as browser:
            cookies, token = dict(browser.cookies.items()), browser.headers["X-CSRFToken"]
        fleet = Fleet((0, city.mqtt_port), DEVICES, rate_s=RATE_S)
        lamps = Lamps(city.mqtt_port, DEVICES, LAMPS)
        operator = Operator(pages, cookies, token, DEVICES, LAMPS)
        screens = [Screen(page, cookies) for page in pages]
        key = words.key_of((var / "secrets" / "secret_key").read_text().strip())
        with Minutes(city.environment["DATABASE_URL"], key) as minutes, fleet, lamps:
            fleet.talk()
            wait_until(lambda: fleet.book.acknowledged > 200, PATIENCE_S)
            for screen in screens:
                screen.__enter__()
            with operator:
                wait_until(lambda: len(lamps.deliveries) > 5, PATIENCE_S)
                yield Stage(city, fleet, lamps, operator, screens, minutes)
            for screen in screens:
                screen.__exit__()


def redis(found: Findings, options: Options) -> None:
    """Redis is stopped for five minutes."""
    with options.room(found.scenario) as var, stage(var, ("ingest", "control", "web")) as on:
        time.sleep(5 if options.quick else 30)
        on.city.redis.stop()
        gone = time.monotonic()
        time.sleep(15 if options.quick else 300)
        back = time.monotonic()
        on.city.redis.start()
        time.sleep(RESYNC_S + 5)
        ended(found, on, var)
    screen = on.screens[0]
    before, meanwhile = _waited(on, 0, gone), _waited(on, gone, back)
    found.add("outage_s", round(back - gone, 1))
    found.add("pages_say_so_after_s", round(screen.first(gone, notice=True), 1), at_most=SAID_WITHIN_S)
    found.add("resync_s", round(screen.first(back, notice=False, younger_s=YOUNG_S), 1), at_most=RESYNC_S)
    found.add("commands_before_p50_s", before[0])
    found.add("commands_meanwhile_p50_s", meanwhile[0])
    found.add("commands_meanwhile_p99_s", meanwhile[1], at_most=5)
    found.headline += f"; pages fresh {screen.first(back, notice=False, younger_s=YOUNG_S):.1f} s after Redis"


def pause(found: Findings, options: Options) -> None:
    """Each process in turn is stopped by a signal, which no other process can tell from a dead one."""
    each = {"ingest": 2, "control": 2, "web": 2, "forecasts": 2}
    kinds = [kind for kind, many in each.items() for _ in range(many)]
    with options.room(found.scenario) as var, stage(var, kinds) as on:
        chosen = [on.city.of(kind)[0] for kind in ("ingest", "control")] if options.quick else list(on.city.processes)
        if not options.quick:
            chosen.append(_leader(on))  # once more the one that leads by then
        for process in chosen:
            if options.quick and process.kind == "control":
                process = _leader(on)
            _pause(process, 15 if options.quick else 30)
            wait_until(lambda: on.fleet.oldest_unanswered_s < 2, PATIENCE_S)
        time.sleep(5)
        ended(found, on, var)
    twice = rounds.run_twice(on.minutes.rounds)
    found.add("paused", len(chosen))
    found.add("loop_rounds_seen", len(on.minutes.rounds), at_least=10)
    found.add("loop_rounds_twice", len(twice), at_most=0)
    found.add("terms_of_leading", on.minutes.leaders, at_least=2)
    found.add("longest_without_a_leader_s", round(on.minutes.longest_without_s, 1), at_most=20)
    found.headline += f"; {len(chosen)} pauses, {on.minutes.leaders} terms, {len(twice)} rounds run twice"


def _leader(on: Stage) -> Process:
    pid = int(on.minutes.led[-1][1].split(":")[2])
    return next(one for one in on.city.of("control") if one.popen.pid == pid)


def _pause(process: Process, for_s: float) -> None:
    print(f"  {process.kind} {process.number} stands still for {for_s:g} s", file=sys.stderr, flush=True)
    process.pause()
    time.sleep(for_s)
    process.go_on()


def ended(found: Findings, on: Stage, var: Path) -> None:
    """Everything comes to rest, and the store and the table of commands are held against what devices saw."""
    on.operator.rest()
    on.fleet.fall_silent()
    on.fleet.drain(PATIENCE_S)
    url = on.city.environment["DATABASE_URL"]
    asked = list(on.operator.asked)
    wait_until(lambda: not _open_commands(url, asked), PATIENCE_S, 0.5)
    states = _states(url, asked)
    on.city.stop()
    log = on.fleet.book.read()
    held = holdings.read(on.city.environment, var / "held.npz")
    judged(found, log, held, others_speak=True)
    answers(found, log)
    found.add("commands_asked", len(asked), at_least=5)
    found.add("commands_refused", sum(on.operator.refused.values()), at_most=0)
    found.add("commands_unanswered", sum(state not in ENDS for state in states.values()), at_most=0)
    found.add("commands_for_one_wish_twice", _twice(url), at_most=0)
    found.add("deliveries_again", sum(n - 1 for n in on.lamps.deliveries.values()))
    found.add("never_delivered", len({one.command for one in asked} - on.lamps.deliveries.keys()))
    found.add("database_connections", on.minutes.connections)
    for refusal in on.operator.refused:
        print(f"  {found.scenario}: {refusal}", file=sys.stderr)
    found.headline += f", {len(asked):,} commands answered"


def _waited(on: Stage, since: float, until: float) -> tuple[float, float]:
    """p50 and p99 of the seconds from asking to the lamp, of what was asked between these instants."""
    waits = [
        on.lamps.done_at[one.command] - one.at
        for one in on.operator.asked
        if since <= one.at < until and one.command in on.lamps.done_at
    ]
    if not waits:
        return float("inf"), float("inf")
    return round(float(np.percentile(waits, 50)), 2), round(float(np.percentile(waits, 99)), 2)


def _states(url: str, asked: Sequence[Asked]) -> dict[str, str]:
    with psycopg.connect(url) as line:
        rows = line.execute(
            "SELECT id::text, state FROM control_command WHERE id::text = ANY(%s)", [[one.command for one in asked]]
        )
        return dict(rows.fetchall())


def _open_commands(url: str, asked: Sequence[Asked]) -> bool:
    return any(state not in ENDS for state in _states(url, asked).values())


def _twice(url: str) -> int:
    """Wishes of one key that became more than one command."""
    with psycopg.connect(url) as line:
        text = (
            "SELECT count(*) FROM (SELECT idempotency_key FROM control_command WHERE idempotency_key LIKE '%chaos-%' "
            "GROUP BY idempotency_key HAVING count(*) > 1) AS twice"
        )
        found = line.execute(text.encode()).fetchone()
    return int(found[0]) if found else 0
