# SPDX-License-Identifier: Apache-2.0
"""What is past its declared life goes, in short transactions, unless a legal hold keeps it; both are written down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from django.db import connections

from smartcity.telemetry import event_log, held, quarantine, read
from smartcity.telemetry.arrays import Ints
from smartcity.telemetry.buckets import HOUR_MS, UTC_DAY_MS
from smartcity.telemetry.engines import Engine
from smartcity.telemetry.held import Hold, Piece
from smartcity.telemetry.store import Store

ROLLUPS: Final = {"rollup_15m": UTC_DAY_MS // 4, "rollup_1h": UTC_DAY_MS, "rollup_1d": 30 * UTC_DAY_MS}
RUN: Final = ("at", "finished_at", "readings", "sealed", "rollups", "quarantined", "events", "partitions", "kept")
KINDS: Final = ("readings", "sealed", "rollups", "quarantined", "events")


@dataclass(slots=True)
class Swept:
    """How much went; `partitions` are the days dropped as a whole (PostgreSQL), `sealed` counts series-days, `events`
    batches of event logs. `kept` is what has had its day, by kind, but is held."""

    readings: int = 0
    sealed: int = 0
    rollups: int = 0
    quarantined: int = 0
    events: int = 0
    partitions: list[str] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))


@dataclass(frozen=True, slots=True)
class Table:
    """Where rows lie, by which column they age, and how much of it is deleted at once. `unit_ms` is what the column
    counts in."""

    name: str
    column: str
    step_ms: int
    kind: str
    unit_ms: int = 1
    of: str = "series"


OPEN: Final = Table("reading", "at", HOUR_MS, "readings")
SEALED: Final = Table("sealed", "day", UTC_DAY_MS, "sealed", unit_ms=UTC_DAY_MS)
LOGGED: Final = Table("event_log", "first_at", UTC_DAY_MS, "events", of="device")
ASIDE: Final = Table("quarantine", "received_at", 30 * UTC_DAY_MS, "quarantined", of="device")


def sweep(
    store: Store, now_ms: int, swept: Swept, since_ms: int | None = None, holds: Sequence[Hold] = ()
) -> Iterator[None]:
    """One short transaction a step; counts into `swept`. Whole UTC days go, so that a day is there or is not.

    `since_ms` is when it was last done: what was past its life then is gone. None looks at everything again, which
    finds what a shortened retention or a lifted hold has left behind.
    """
    engine, book = store.engine, store.known
    days, oldest = held.whole_days(holds), _horizon(now_ms, book.most_raw_ms)
    swept.partitions += engine.drop_before(oldest, [(hold.from_ms, hold.to_ms) for hold in days])
    yield
    yield from _undeclared(engine, days, oldest, swept)
    for life_ms, series in _groups(book.raw_ms):
        start = 0 if since_ms is None else _horizon(since_ms, life_ms)
        yield from _clear(engine, OPEN, held.pieces(days, start, _horizon(now_ms, life_ms)), series, swept)
        yield from _clear(engine, SEALED, held.pieces(days, 0, _horizon(now_ms, life_ms)), series, swept)
    days = held.whole_days(holds, UTC_DAY_MS)  # a city day begins in the UTC day before
    for name, step_ms in ROLLUPS.items():
        for life_ms, series in _groups(book.rollup_ms):
            pieces = held.pieces(days, 0, _horizon(now_ms, life_ms))
            yield from _clear(engine, Table(name, "bucket", step_ms, "rollups"), pieces, series, swept)
    pieces = held.pieces(held.of_devices(days), 0, now_ms - quarantine.keep_ms())
    yield from _clear(engine, ASIDE, pieces, None, swept)
    pieces = held.pieces(held.of_devices(days), 0, _horizon(now_ms, event_log.keep_ms()))
    yield from _clear(engine, LOGGED, pieces, None, swept)
    while quarantine.encrypt_some(engine):
        yield
    store.quarantine.load()
    _write_down(engine, now_ms, swept, holds)
    yield


def runs(limit: int) -> list[dict[str, Any]]:
    """What was done when, the newest first."""
    with connections[read.ALIAS].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(RUN)} FROM retention_run ORDER BY id DESC LIMIT %s", [limit])
        found = [dict(zip(RUN, row, strict=True)) for row in cursor.fetchall()]
    return [run | {"partitions": run["partitions"].split(), "kept": json.loads(run["kept"])} for run in found]


def _write_down(engine: Engine, now_ms: int, swept: Swept, holds: Sequence[Hold]) -> None:
    kept = json.dumps({"holds": [hold.number for hold in holds]} | swept.kept if holds else {})
    counts = [getattr(swept, kind) for kind in KINDS]
    told = (now_ms, now_ms, *counts, " ".join(swept.partitions), kept)
    engine.put("retention_run", {name: [value] for name, value in zip(RUN, told, strict=True)})


def _horizon(now_ms: int, life_ms: int) -> int:
    return (now_ms - life_ms) // UTC_DAY_MS * UTC_DAY_MS


def _groups(life_ms: Ints) -> list[tuple[int, Ints]]:
    """(life, series with it), the longest first; the book's last row stands for undeclared series."""
    lives = np.unique(life_ms)[::-1]
    return [(int(life), np.flatnonzero(life_ms[:-1] == life)) for life in lives]


def _undeclared(engine: Engine, days: Sequence[Hold], oldest: int, swept: Swept) -> Iterator[None]:
    """Series without a declaration live as long as the longest that has one. What is kept is counted with its group."""
    kept = dict(swept.kept)
    for table in (OPEN, SEALED):
        yield from _clear(engine, table, held.pieces(days, 0, oldest), None, swept)
    swept.kept = kept


def _clear(engine: Engine, table: Table, pieces: Sequence[Piece], series: Ints | None, swept: Swept) -> Iterator[None]:
    """Delete the rows of these series (None: of all) in these pieces, slice by slice, and count what is held."""
    if series is not None and not len(series):
        return
    chosen = [] if series is None else [(engine.among(table.of), engine.ids(series.tolist()))]
    for piece in pieces:
        free, kept = _conditions(engine, table, piece)
        for start, stop in _slices(engine, table, piece):
            span = f"FROM {table.name} WHERE {table.column} >= ? AND {table.column} < ?"
            if free is not None:
                sql, given = _all(span, [*chosen, *free])
                gone = engine.run(f"DELETE {sql}", [start, stop, *given])
                setattr(swept, table.kind, getattr(swept, table.kind) + gone)
            if kept is not None:
                sql, given = _all(span, [*chosen, *kept])
                swept.kept[table.kind] += engine.rows(f"SELECT count(*) {sql}", [start, stop, *given])[0][0]
            yield


Conditions = list[tuple[str, object]]


def _conditions(engine: Engine, table: Table, piece: Piece) -> tuple[Conditions | None, Conditions | None]:
    """What tells the rows that may go and those that are held; None where there are none of them."""
    if piece.kept is None:
        return None, []
    if not piece.kept:
        return [], None
    condition, ids = engine.among(table.of), engine.ids(sorted(piece.kept))
    return [(f"NOT ({condition})", ids)], [(condition, ids)]


def _all(start: str, conditions: Conditions) -> tuple[str, list[object]]:
    return " AND ".join([start, *(sql for sql, _ in conditions)]), [given for _, given in conditions]


def _slices(engine: Engine, table: Table, piece: Piece) -> Iterator[tuple[int, int]]:
    """Spans in which there is something, in the column's unit; what is empty is skipped."""
    cursor, end = -(-piece.from_ms // table.unit_ms), -(-piece.to_ms // table.unit_ms)
    step = table.step_ms // table.unit_ms
    sql = f"SELECT min({table.column}) FROM {table.name} WHERE {table.column} >= ? AND {table.column} < ?"
    while cursor < end:
        first = engine.rows(sql, [cursor, end])[0][0]
        if first is None:
            return
        cursor = int(first)
        stop = min(end, cursor - cursor % step + step)
        yield cursor, stop
        cursor = stop
