# SPDX-License-Identifier: Apache-2.0
"""The store's connection to a SQLite file: WAL, synchronous=FULL, one writer, one transaction per batch."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any, Final

import numpy as np
from django.db import connections

from smartcity.telemetry import rollups
from smartcity.telemetry.arrays import Bools, Floats, Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.buckets import HOUR_MS
from smartcity.telemetry.engines import Clash, Columns, Unavailable
from smartcity.telemetry.rollups import Sums

AT_ONCE: Final = 50  # rows a statement: twice the speed of executemany, measured
PRAGMAS: Final = """
    PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;
    PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32000;
    CREATE TEMP TABLE probe (place INTEGER PRIMARY KEY, at INTEGER NOT NULL, series INTEGER NOT NULL);
"""
READING: Final = "reading (at, series, value, quality, delay_s)"


class Sqlite:
    clear_ms = HOUR_MS
    SHARED = CLAIMED = ""  # a transaction has the file to itself

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._connection: sqlite3.Connection | None = None

    @property
    def connection(self) -> sqlite3.Connection:
        if self._connection is None:
            path = str(connections[self.alias].settings_dict["NAME"])
            opened = sqlite3.connect(path, isolation_level=None, check_same_thread=False, uri=path.startswith("file:"))
            opened.executescript(PRAGMAS)
            self._connection = opened
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with _translated():
            self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with _translated(in_doubt=True):
                self.connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self.connection.rollback()
            raise

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with _translated():
            return self.connection.execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        with _translated():
            return self.connection.execute(sql, parameters).rowcount

    def put(self, table: str, columns: Columns, then: str = "") -> int:
        before = self.connection.total_changes
        with _translated():
            self._insert(f"{table} ({', '.join(columns)})", list(columns.values()), then)
        return self.connection.total_changes - before

    def put_sums(self, table: str, sums: Sums) -> None:
        self.put(table, rollups.columns(sums), rollups.REPLACE)

    def among(self, column: str) -> str:
        return f"{column} IN (SELECT value FROM json_each(?))"

    def ids(self, ids: Iterable[int]) -> object:
        return json.dumps([int(i) for i in ids])

    def existing(self, at: Ints, series: Ints) -> tuple[Ints, Floats]:
        with _translated():
            self.connection.execute("DELETE FROM probe")
            self._insert("probe (place, at, series)", [range(len(at)), at.tolist(), series.tolist()], "")
            found = self.connection.execute(
                "SELECT p.place, r.value FROM probe p CROSS JOIN reading r ON r.at = p.at AND r.series = p.series"
            ).fetchall()
        return np.array([row[0] for row in found], np.int64), np.array([row[1] for row in found], np.float64)

    def insert(self, rows: Readings) -> None:
        before = self.connection.total_changes
        with _translated():
            self._insert(READING, _columns(rows), "ON CONFLICT (at, series) DO NOTHING")
        if self.connection.total_changes - before != len(rows):
            raise Clash

    def insert_new(self, rows: Readings) -> Bools:
        """Exact, because the transaction has held the write lock since it began."""
        new = np.ones(len(rows), np.bool_)
        new[self.existing(rows.at, rows.series)[0]] = False
        self.insert(rows.take(new))
        return new

    def prepare(self, at: Ints, now_ms: int) -> None:
        """One table holds every day."""

    def drop_before(self, before_ms: int, sparing: Sequence[tuple[int, int]] = ()) -> list[str]:
        return []

    def clear(self, from_ms: int, to_ms: int, n: int) -> bool:
        span = [from_ms, to_ms]
        if self.rows("SELECT count(*) FROM reading WHERE at >= ? AND at < ?", span)[0][0] != n:
            return False
        self.run("DELETE FROM reading WHERE at >= ? AND at < ?", span)
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _insert(self, into: str, columns: list[Sequence[Any]], then: str) -> None:
        """Fifty rows a statement, the rest one by one."""
        places = f"({', '.join('?' * len(columns))})"
        full = len(columns[0]) // AT_ONCE * AT_ONCE
        if full:
            many = f"INSERT INTO {into} VALUES {', '.join([places] * AT_ONCE)} {then}"
            flat = list(chain.from_iterable(zip(*(column[:full] for column in columns), strict=True)))
            step = AT_ONCE * len(columns)
            self.connection.executemany(many, (flat[start : start + step] for start in range(0, len(flat), step)))
        if full < len(columns[0]):
            rest = zip(*(column[full:] for column in columns), strict=True)
            self.connection.executemany(f"INSERT INTO {into} VALUES {places} {then}", rest)


def _columns(rows: Readings) -> list[Sequence[Any]]:
    return [column.tolist() for column in (rows.at, rows.series, rows.value, rows.quality, rows.delay_s)]


@contextmanager
def _translated(*, in_doubt: bool = False) -> Iterator[None]:
    """Whatever keeps a healthy statement from running is Unavailable; a broken promise of ours stays what it is."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.DataError):
            raise
        problem = Unavailable(str(error))
        problem.in_doubt = in_doubt
        raise problem from error
