# SPDX-License-Identifier: Apache-2.0
"""The figures of one engine, as a line of JSON. CPU is this process plus, on PostgreSQL, the whole server.

The limit each ratio refers to is measured in the same run: the same rows into a table without index or key, by
executemany on SQLite and by text COPY, encoded beforehand, on PostgreSQL; a commit per batch in both.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, cast

import django
import numpy as np

django.setup()

from django.core.management import call_command
from django.db import connections

from smartcity import declared
from smartcity.ingest import decoding
from smartcity.ingest.courses import Courses
from smartcity.ingest.decoding import Tables
from smartcity.ingest.roster import Known, Roster
from smartcity.telemetry import book
from smartcity.telemetry.batch import Batch, Readings
from smartcity.telemetry.postgres import Postgres
from smartcity.telemetry.sqlite import Sqlite
from smartcity.telemetry.store import Store
from smartcity.transports.messages import Outcome, RawMessage

NOW: Final = 1_800_000_000_000
DEVICES: Final = 2_000
METRICS: Final = ("lighting.power_w", "lighting.dim_level")
BATCH: Final = 1_000
ROWS: Final = 5_000
TICK: Final = os.sysconf("SC_CLK_TCK")


def roster() -> Roster:
    """Two thousand lamps with two series each."""
    series = [(2 * n + k + 1, metric) for n in range(DEVICES) for k, metric in enumerate(METRICS)]
    devices = {
        f"L-{n}": Known(
            n + 1, f"L-{n}", "senml", "lighting", series={m: 2 * n + k + 1 for k, m in enumerate(METRICS)}
        )
        for n in range(DEVICES)
    }  # fmt: skip
    return Roster(devices, {}, book.write(series, declared.metrics()))


def messages(each: int, clock: Iterator[int]) -> list[RawMessage]:
    """A thousand messages of so many readings, every reading with an instant of its own."""
    made = []
    for n in range(BATCH):
        at = next(clock) / 1000
        pack = [{"n": METRICS[k % 2], "v": 40 + (n + k) % 50, "t": at + k} for k in range(each)]
        payload = json.dumps(pack).encode()
        made.append(RawMessage(f"L-{n % DEVICES}", "up", payload, round(at * 1000), "bench", _ignore))
    return made


def _ignore(outcome: Outcome) -> None:
    pass


def through(store: Store, tables: Tables, before: Courses, batch: list[RawMessage]) -> int:
    """What the pipeline does with a batch."""
    found = decoding.decode(batch, tables, before)
    now = batch[-1].received_at_ms
    counts = {"messages.received": len(batch), "messages.decoded": found.decoded}
    written = store.write(Batch(now_ms=now, readings=found.readings, seen=found.seen, counts=counts))
    return written.stored


def per_cpu_s(seconds: float, make: Callable[[], Any], work: Callable[[Any], object], units: int) -> float:
    """Units a CPU-second; what `make` costs is not counted."""
    spent, done = 0.0, 0
    while spent < seconds:
        given = make()
        began = cpu_s()
        work(given)
        spent += cpu_s() - began
        done += units
    return round(done / spent, 1)


def cpu_s() -> float:
    return time.process_time() + server_cpu_s()


def server_cpu_s() -> float:
    """CPU-seconds of the PostgreSQL server: its first process, its living children and those that have ended."""
    if connections["telemetry"].vendor == "sqlite":
        return 0.0
    if not _server:
        with connections["telemetry"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            _server.append(int(_stat(cursor.fetchone()[0])[1]))
    ticks = sum(int(value) for value in _stat(_server[0])[11:15])
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = _stat(int(name))
            except OSError:
                continue
            if int(stat[1]) == _server[0]:
                ticks += int(stat[11]) + int(stat[12])
    return ticks / TICK


_server: list[int] = []


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the third: state, parent, …; utime is number 11."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()


def rows(clock: Iterator[int], each: int = 20) -> Readings:
    """So many readings of each of some series, in the order of the key; every call is later than the last."""
    step = np.repeat(np.arange(each), ROWS // each)
    at = next(clock) * 10 - 9 * NOW + step * 10
    series = np.tile(np.arange(ROWS // each) + 10_000, each)
    value = np.random.default_rng(1).normal(100, 10, ROWS)
    return Readings(at, series, value, np.zeros(ROWS, np.int64), at)


def write(store: Store, given: Readings) -> None:
    store.write(Batch(now_ms=int(given.received[-1]), readings=given))


def limit_sqlite(engine: Sqlite, given: list[tuple[Any, ...]]) -> None:
    with engine.transaction():
        engine.connection.executemany("INSERT INTO raw_limit VALUES (?, ?, ?, ?, ?)", given)


def limit_postgresql(engine: Postgres, given: bytes) -> None:
    with engine.transaction(), engine.connection.cursor().copy("COPY raw_limit FROM STDIN") as copy:
        copy.write(given)


def plain(given: Readings) -> list[tuple[Any, ...]]:
    columns = (given.at, given.series, given.value, given.quality, given.delay_s)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def text(given: Readings) -> bytes:
    return "".join("\t".join(map(str, row)) + "\n" for row in plain(given)).encode()


def limit(store: Store, clock: Iterator[int], seconds: float) -> float:
    """Rows a CPU-second into a table without a key."""
    columns = "at bigint, series integer, value double precision, quality smallint, delay_s integer"
    store.engine.run(f"CREATE TABLE raw_limit ({columns})")
    if isinstance(store.engine, Sqlite):
        return per_cpu_s(seconds, lambda: plain(rows(clock)), partial(limit_sqlite, store.engine), ROWS)
    engine = cast(Postgres, store.engine)
    return per_cpu_s(seconds, lambda: text(rows(clock)), partial(limit_postgresql, engine), ROWS)


def bulk(store: Store) -> tuple[float, float]:
    """Rows a CPU-second and days of history a wall second: 500 series, four weeks of quarters, a week a call."""
    series, week = np.arange(500) + 100_000, 7 * 96
    spent, wall, total = cpu_s(), time.monotonic(), 0
    for n in range(4):
        at = NOW - 28 * 86_400_000 + (n * week + np.arange(week)) * 900_000
        values = np.random.default_rng(n).normal(100, 10, week * len(series)).round(2)
        now = NOW if n == 3 else int(at[-1]) + 900_000
        total += store.bulk(np.tile(series, week), np.repeat(at, len(series)), values, now_ms=now).stored
    return round(total / (cpu_s() - spent), 1), round(28 / (time.monotonic() - wall), 2)


def figures(seconds: float) -> dict[str, float]:
    call_command("migrate", "telemetry", database="telemetry", verbosity=0)
    table = roster()
    store = Store(book=table.book)
    tables, before = Tables(table, declared.codecs(), declared.metrics()), Courses()
    clock = iter(range(NOW, NOW + 10**12, 40))
    found: dict[str, float] = {}
    carry = partial(through, store, tables, before)
    for each in (1, 5, 50):
        speed = per_cpu_s(seconds, partial(messages, each, clock), carry, BATCH)
        found[f"messages_of_{each}_per_cpu_s"] = speed
        found[f"readings_{each}_a_message_per_cpu_s"] = round(speed * each, 1)
    for each, name in ((20, "store_rows_per_cpu_s"), (1, "store_rows_each_another_series_per_cpu_s")):
        found[name] = per_cpu_s(seconds, partial(rows, clock, each), partial(write, store), ROWS)
    found["raw_limit_rows_per_cpu_s"] = limit(store, clock, seconds)
    found["store_ratio"] = round(found["store_rows_per_cpu_s"] / found["raw_limit_rows_per_cpu_s"], 3)
    found["bulk_rows_per_cpu_s"], found["bulk_500_series_days_per_s"] = bulk(store)
    store.close()
    return found


if __name__ == "__main__":
    print(json.dumps(figures(float(sys.argv[1]))))
