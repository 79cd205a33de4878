# SPDX-License-Identifier: Apache-2.0
"""What keeping costs on one engine, in CPU-seconds of this process and, on PostgreSQL, of the whole server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np
from django.core.management import call_command

from benchmarks.store import engine as bench
from smartcity.devices import time_zone
from smartcity.telemetry import rollups
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.rolling import Rolling
from smartcity.telemetry.sqlite import Sqlite
from smartcity.telemetry.store import Store

DAY_BEGINS: Final = 1_800_014_400_000 // 86_400_000 * 86_400_000
MINUTE_MS: Final = 60_000
SERIES: Final = 1_000
BATCH_MINUTES: Final = 5
HOURS: Final = 24


def migrated() -> Store:
    call_command("migrate", "telemetry", database="telemetry", verbosity=0)
    return Store(book=bench.roster().book)


def rollup_cost() -> dict[str, float]:
    """A day of readings a minute apart: the rows alone, and beside them their quarters, hours and days.

    Both happen in turn, batch by batch, so that the machine's moods strike both.
    """
    store = migrated()
    rolling = Rolling(store.engine, time_zone.city_zone())
    with store.engine.transaction():
        rolling.begin(DAY_BEGINS)
        columns = {"series": range(SERIES), "at": [DAY_BEGINS - 1] * SERIES, "value": [0.0] * SERIES}
        store.engine.put("latest", columns | {"quality": [0] * SERIES, "received_at": [DAY_BEGINS] * SERIES})
    rolling.load()
    spent = {"raw": 0.0, "gathering": 0.0, "quarters": 0.0, "hours_and_days": 0.0}
    minutes = range(0, HOURS * 60, BATCH_MINUTES)
    for minute in minutes:
        rows = minute_rows(DAY_BEGINS + minute * MINUTE_MS, BATCH_MINUTES)
        store.engine.prepare(rows.at, int(rows.at[0]))
        spent["raw"] += cost(partial(insert, store, rows))
        spent["gathering"] += cost(partial(gather, rolling, rows))
        if minute % 15 == 0:
            keep_up(rolling, int(rows.at[0]), spent)
    keep_up(rolling, DAY_BEGINS + 26 * 60 * MINUTE_MS, spent)
    total = SERIES * HOURS * 60
    written = sum(store.engine.rows(f"SELECT count(*) FROM rollup_{g}")[0][0] for g in ("15m", "1h", "1d"))
    assert written >= SERIES * HOURS * 5
    store.close()
    raw = spent.pop("raw")
    return {
        "raw_insert_rows_per_cpu_s": round(total / raw, 1),
        "rollup_rows_absorbed_per_cpu_s": round(total / sum(spent.values()), 1),
        **{f"rollup_{name}_ratio": round(took / raw, 3) for name, took in spent.items()},
        "rollup_cost_ratio": round(sum(spent.values()) / raw, 3),
    }


def minute_rows(from_ms: int, minutes: int) -> Readings:
    """Of every series one reading a minute, in the order of the key."""
    at = from_ms + np.repeat(np.arange(minutes), SERIES) * MINUTE_MS
    value = np.random.default_rng(from_ms).normal(100, 10, len(at)).round(1)
    return Readings(at, np.tile(np.arange(SERIES), minutes), value, np.zeros(len(at), np.int64), at)


def insert(store: Store, rows: Readings) -> None:
    with store.engine.transaction():
        store.engine.insert(rows)


def gather(rolling: Rolling, rows: Readings) -> None:
    rolling.open.add(rollups.of_readings(rows))


def keep_up(rolling: Rolling, now_ms: int, spent: dict[str, float]) -> None:
    """As the upkeep task does beside the road: quarters that have ended, then the hours and days above them."""
    spent["quarters"] += cost(partial(rolling.close, now_ms))
    while True:
        began = bench.cpu_s()
        is_more = rolling.mend()
        spent["hours_and_days"] += bench.cpu_s() - began
        if not is_more:
            return


def cost(work: Callable[[], object]) -> float:
    began = bench.cpu_s()
    work()
    return bench.cpu_s() - began


def sqlite_insert(seconds: float) -> dict[str, float]:
    """Rows with dedupe by the key, rows into a table without any, and rows through the whole store, in turn."""
    store = migrated()
    assert isinstance(store.engine, Sqlite)
    assert store.engine.rows("PRAGMA synchronous")[0][0] == 2
    clock = iter(range(bench.NOW, bench.NOW + 10**12, 40))
    columns = "at bigint, series integer, value double precision, quality smallint, delay_s integer"
    store.engine.run(f"CREATE TABLE raw_limit ({columns})")
    works: dict[str, Callable[[Iterator[int]], Callable[[], object]]] = {
        "limit": lambda at: partial(bench.limit_sqlite, store.engine, bench.plain(bench.rows(at))),  # type: ignore[arg-type]
        "insert": lambda at: partial(insert, store, bench.rows(at)),
        "store": lambda at: partial(bench.write, store, bench.rows(at)),
    }
    spent: dict[str, float] = dict.fromkeys(works, 0.0)
    rounds = 0
    while spent["limit"] < seconds or not rounds:
        for name, made in works.items():
            spent[name] += cost(made(clock))
        rounds += 1
    store.close()
    speed = {name: round(rounds * bench.ROWS / took, 1) for name, took in spent.items()}
    return {
        "no_index_limit_rows_per_cpu_s": speed["limit"],
        "insert_rows_per_cpu_s": speed["insert"],
        "whole_store_rows_per_cpu_s": speed["store"],
        "insert_ratio": round(speed["insert"] / speed["limit"], 3),
        "whole_store_ratio": round(speed["store"] / speed["limit"], 3),
    }


def named(engine: str, found: dict[str, Any]) -> dict[str, float | str]:
    return {f"{engine}_{name}": value for name, value in found.items()}
