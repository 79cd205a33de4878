# SPDX-License-Identifier: Apache-2.0
"""What is past its declared life goes, in short transactions, and that it went is written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from smartcity.telemetry import quarantine
from smartcity.telemetry.arrays import Ints
from smartcity.telemetry.buckets import HOUR_MS, UTC_DAY_MS
from smartcity.telemetry.engines import Engine
from smartcity.telemetry.store import Store

ROLLUPS: Final = {"rollup_15m": UTC_DAY_MS // 4, "rollup_1h": UTC_DAY_MS, "rollup_1d": 30 * UTC_DAY_MS}


@dataclass(slots=True)
class Swept:
    """How much went; `partitions` are the days dropped as a whole (PostgreSQL), `sealed`
    counts series-days."""

    readings: int = 0
    sealed: int = 0
    rollups: int = 0
    quarantined: int = 0
    partitions: list[str] = field(default_factory=list)


def sweep(store: Store, now_ms: int, swept: Swept, since_ms: int | None = None) -> Iterator[None]:
    """One short transaction a step; counts into `swept`. Whole UTC days go, so that a day is there or is not.

    `since_ms` is when it was last done: what was past its life then is gone. None looks at everything again, which
    finds what a shortened retention has left behind.
    """
    engine, book = store.engine, store.known
    oldest = _horizon(now_ms, book.most_raw_ms)
    swept.partitions += engine.drop_before(oldest)
    swept.sealed += engine.run("DELETE FROM sealed WHERE day < ?", [oldest // UTC_DAY_MS])
    yield
    for life_ms, series in _groups(book.raw_ms):
        start = 0 if since_ms is None else _horizon(since_ms, life_ms)
        for gone in _delete(engine, "reading", "at", (start, _horizon(now_ms, life_ms)), series, HOUR_MS):
            swept.readings += gone
            yield
        swept.sealed += _delete_sealed(engine, _horizon(now_ms, life_ms), series)
        yield
    for table, step_ms in ROLLUPS.items():
        for life_ms, series in _groups(book.rollup_ms):
            for gone in _delete(engine, table, "bucket", (0, _horizon(now_ms, life_ms)), series, step_ms):
                swept.rollups += gone
                yield
    swept.quarantined += engine.run("DELETE FROM quarantine WHERE received_at < ?", [now_ms - quarantine.keep_ms()])
    while quarantine.encrypt_some(engine):
        yield
    store.quarantine.load()
    names = ("at", "finished_at", "readings", "rollups", "quarantined", "partitions")
    told = (now_ms, now_ms, swept.readings, swept.rollups, swept.quarantined, " ".join(swept.partitions))
    engine.put("retention_run", {name: [value] for name, value in zip(names, told, strict=True)})
    yield


def last_run(store: Store) -> int | None:
    """City ms of the last finished sweep."""
    found: int | None = store.engine.rows("SELECT max(at) FROM retention_run")[0][0]
    return found


def _horizon(now_ms: int, life_ms: int) -> int:
    return (now_ms - life_ms) // UTC_DAY_MS * UTC_DAY_MS


def _groups(life_ms: Ints) -> list[tuple[int, Ints]]:
    """(life, series with it), the longest first; the book's last row stands for undeclared series and is the default.

    Series without a declaration live as long as the longest, and go with its partitions or its slices.
    """
    lives = np.unique(life_ms)[::-1]
    return [(int(life), np.flatnonzero(life_ms[:-1] == life)) for life in lives]


def _delete_sealed(engine: Engine, before_ms: int, series: Ints) -> int:
    """How many series-days went. They are few: a row a series and day, found by the day."""
    if not len(series):
        return 0
    condition, ids = engine.among("series"), engine.ids(series.tolist())
    return engine.run(f"DELETE FROM sealed WHERE day < ? AND {condition}", [before_ms // UTC_DAY_MS, ids])


def _delete(
    engine: Engine, table: str, column: str, span: tuple[int, int], series: Ints, step_ms: int
) -> Iterator[int]:
    """Slice by slice, skipping what is empty; how many went."""
    cursor, end = span
    condition, ids = engine.among("series"), engine.ids(series.tolist())
    while len(series):
        first = engine.rows(f"SELECT min({column}) FROM {table} WHERE {column} >= ? AND {column} < ?", [cursor, end])
        if first[0][0] is None:
            return
        cursor = int(first[0][0])
        stop = min(end, cursor - cursor % step_ms + step_ms)
        sql = f"DELETE FROM {table} WHERE {column} >= ? AND {column} < ? AND {condition}"
        yield engine.run(sql, [cursor, stop, ids])
        cursor = stop
