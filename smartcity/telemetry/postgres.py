# SPDX-License-Identifier: Apache-2.0
"""The store's connection to PostgreSQL: binary COPY into daily partitions, staging only after a clash."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
import psycopg

from smartcity.telemetry import copying, extensions, rollups
from smartcity.telemetry.arrays import Bools, Floats, Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.buckets import UTC_DAY_MS
from smartcity.telemetry.engines import TYPES, Clash, Columns, Unavailable
from smartcity.telemetry.line import line
from smartcity.telemetry.rollups import Sums

PATIENCE: Final[dict[str, Any]] = {  # who waits for ever can neither say that it waits nor be closed
    "connect_timeout": 5, "tcp_user_timeout": 30_000, "options": "-c lock_timeout=5s -c statement_timeout=120s",
}  # fmt: skip
OWN_PARTITION_DAYS: Final = 400  # older days go to the partition of strays: a stamp must not make tables at will
AHEAD_DAYS: Final = 2
STRAYS: Final = "reading_strays"
PARTITION: Final = re.compile(r"reading_(\d{8})")
COPY: Final = "COPY {} ({}) FROM STDIN (FORMAT BINARY)"


class Postgres:
    clear_ms = UTC_DAY_MS
    SHARED, CLAIMED = "FOR SHARE", "FOR UPDATE SKIP LOCKED"

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._connection: psycopg.Connection | None = None
        self._days: set[int] = set()
        self._has_asked = False

    @property
    def connection(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(**(line(self.alias) | PATIENCE), autocommit=True)
            self._days = set()
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with _translated():
            self.connection.execute("BEGIN")
        try:
            yield
            with _translated(in_doubt=True):
                self.connection.execute("COMMIT")
        except BaseException:
            with suppress(psycopg.Error):
                self.connection.execute("ROLLBACK")
            raise

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with _translated():
            return self.connection.execute(_ours(sql), parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        with _translated():
            return self.connection.execute(_ours(sql), parameters).rowcount

    def put(self, table: str, columns: Columns, then: str = "") -> int:
        arrays = ", ".join(f"%s::{TYPES.get(name, 'int8')}[]" for name in columns)
        sql = f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays}) {then}"
        with _translated():
            return self.connection.execute(sql.encode(), [list(column) for column in columns.values()]).rowcount

    def put_sums(self, table: str, sums: Sums) -> None:
        """COPY them all; only when one was there already, which undoes the COPY, take the slower way."""
        with _translated():
            self.connection.execute("SAVEPOINT copied")
        try:
            self._copy(table, rollups.COLUMNS, copying.sums(sums))
        except psycopg.errors.UniqueViolation:
            self.run("ROLLBACK TO SAVEPOINT copied")
            self.put(table, rollups.columns(sums), rollups.REPLACE)

    def among(self, column: str) -> str:
        return f"{column} = ANY(?)"

    def ids(self, ids: Iterable[int]) -> object:
        return [int(i) for i in ids]

    def existing(self, at: Ints, series: Ints) -> tuple[Ints, Floats]:
        if not len(at):
            return np.empty(0, np.int64), np.empty(0, np.float64)
        found = self.rows(
            "SELECT p.place - 1, r.value FROM unnest(?::int8[], ?::int4[]) WITH ORDINALITY AS p (at, series, place) "
            "JOIN reading r ON r.at = p.at AND r.series = p.series WHERE r.at BETWEEN ? AND ?",
            [at.tolist(), series.tolist(), int(at.min()), int(at.max())],
        )
        return np.array([row[0] for row in found], np.int64), np.array([row[1] for row in found], np.float64)

    def insert(self, rows: Readings) -> None:
        try:
            self._copy("reading", copying.READING, copying.readings(rows))
        except psycopg.errors.UniqueViolation as error:
            raise Clash from error

    def insert_new(self, rows: Readings) -> Bools:
        """Exact with other writers about: the key decides, and RETURNING tells."""
        with _translated():
            self.connection.execute(
                "CREATE TEMP TABLE IF NOT EXISTS staging "
                "(at int8, series int4, value float8, quality int2, delay_s int4) ON COMMIT DELETE ROWS"
            )
            self.connection.execute("TRUNCATE staging")
            self._copy("staging", copying.READING, copying.readings(rows))
            added = self.connection.execute(
                "INSERT INTO reading SELECT * FROM staging ON CONFLICT (at, series) DO NOTHING RETURNING at, series"
            ).fetchall()
        keys = {(int(at), int(series)) for at, series in added}
        mine = zip(rows.at.tolist(), rows.series.tolist(), strict=True)
        return np.fromiter((key in keys for key in mine), np.bool_, len(rows))

    def prepare(self, at: Ints, now_ms: int) -> None:
        """A partition for each of these days and the next two; the days long ago share one. Before the first, tables
        are handed to extensions that can do more with them."""
        if not self._has_asked:
            extensions.use(self)
            self._has_asked = True
        today = now_ms // UTC_DAY_MS
        days = {*np.unique(at // UTC_DAY_MS).tolist(), *range(today, today + AHEAD_DAYS + 1)}
        for day in sorted(days - self._days):
            if day >= today - OWN_PARTITION_DAYS:
                self._make(day)
            self._days.add(day)

    def drop_before(self, before_ms: int, sparing: Sequence[tuple[int, int]] = ()) -> list[str]:
        names = [row[0] for row in self.rows("SELECT inhrelid::regclass::text FROM pg_inherits WHERE "
                                             "inhparent = 'reading'::regclass ORDER BY 1")]  # fmt: skip
        ends = {name: end for name in names if (end := _end(name)) is not None and end <= before_ms}
        gone = [name for name, end in ends.items() if not any(a < end and b > end - UTC_DAY_MS for a, b in sparing)]
        for name in gone:
            self.run(f"DROP TABLE {name}")
        self._days = {day for day in self._days if (day + 1) * UTC_DAY_MS > before_ms}
        return gone

    def clear(self, from_ms: int, to_ms: int, n: int) -> bool:
        name = _partition(from_ms // UTC_DAY_MS)
        is_own = bool(self.rows("SELECT 1 FROM pg_class WHERE oid = to_regclass(?)", [name]))
        self.run(f"LOCK TABLE {name if is_own else STRAYS} IN ACCESS EXCLUSIVE MODE")
        if self.rows("SELECT count(*) FROM reading WHERE at >= ? AND at < ?", [from_ms, to_ms])[0][0] != n:
            return False
        if is_own:
            self.run(f"TRUNCATE {name}")
        else:
            self.run("DELETE FROM reading WHERE at >= ? AND at < ?", [from_ms, to_ms])
        return True

    def close(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _make(self, day: int) -> None:
        name = _partition(day)
        span = f"FROM ({day * UTC_DAY_MS}) TO ({(day + 1) * UTC_DAY_MS})"
        with _translated(), suppress(psycopg.errors.DuplicateTable, psycopg.errors.UniqueViolation):
            if not self.rows("SELECT 1 FROM pg_class WHERE oid = to_regclass(?)", [name]):
                self.run(f"CREATE TABLE {name} PARTITION OF reading FOR VALUES {span}")

    def _copy(self, table: str, columns: Iterable[str], packed: bytes) -> None:
        sql = COPY.format(table, ", ".join(columns))
        with _translated(), self.connection.cursor().copy(sql.encode()) as copy:
            copy.write(packed)


def _partition(day: int) -> str:
    return f"reading_{datetime.fromtimestamp(day * 86_400, UTC):%Y%m%d}"


def _end(partition: str) -> int | None:
    """The instant a daily partition ends, None for the strays."""
    named = PARTITION.fullmatch(partition)
    return named and int(datetime.strptime(named[1] + "Z", "%Y%m%d%z").timestamp() * 1000) + UTC_DAY_MS


@lru_cache(maxsize=512)
def _ours(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()


@contextmanager
def _translated(*, in_doubt: bool = False) -> Iterator[None]:
    """Whatever keeps a healthy statement from running is Unavailable; a broken promise of ours stays what it is."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction) as error:
        problem = Unavailable(str(error))
        problem.in_doubt = in_doubt
        raise problem from error
