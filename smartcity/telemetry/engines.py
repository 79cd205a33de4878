# SPDX-License-Identifier: Apache-2.0
"""What the store needs of a database. Statements are the same on both engines, with `?` for parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from django.db import connections

from smartcity.telemetry.arrays import Bools, Floats, Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.rollups import Sums

TYPES: Final = {
    "series": "int4", "quality": "int2", "delay_s": "int4", "n": "int8", "n_good": "int4", "readings": "int4",
    "value": "float8", "total": "float8", "low": "float8", "high": "float8", "last": "float8",
    "grain": "text", "name": "text", "run": "text", "uid": "text", "transport": "text", "codec": "text",
    "kind": "text", "reason": "text", "payload": "bytea", "partitions": "text", "day": "int4", "packed": "bytea",
    "digest": "text", "kept": "text", "number": "int8", "events": "int8", "encrypted": "int2",
}  # fmt: skip
Columns = Mapping[str, Sequence[Any]]


class Unavailable(Exception):
    """The database cannot take anything just now: locked, stopped, full. Try again: nothing was written, or, where
    the connection broke while committing (`in_doubt`), what was written will be found and counted as duplicate."""

    in_doubt = False


class Clash(Exception):
    """A key believed to be new was there already. Nothing was written; try again carefully."""


class Engine(Protocol):
    """One connection of the store's own. Every method raises Unavailable when the database is not there.

    `clear_ms` is the span `clear` is made for: an hour, or the day of a partition. `SHARED` ends a SELECT of rows that
    must stay as they are until we commit, `CLAIMED` one of rows to change that leaves out those another has in hand.
    """

    clear_ms: int
    SHARED: str
    CLAIMED: str

    def transaction(self) -> AbstractContextManager[None]: ...

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Execute; the number of rows it touched."""
        ...

    def put(self, table: str, columns: Columns, then: str = "") -> int:
        """Insert many rows; `then` is an ON CONFLICT clause. How many were inserted or updated."""
        ...

    def put_sums(self, table: str, sums: Sums) -> None:
        """Write rollups, most of which are new; those that are there are replaced. Inside a transaction."""
        ...

    def among(self, column: str) -> str:
        """A condition with one parameter made by `ids`."""
        ...

    def ids(self, ids: Iterable[int]) -> object: ...

    def existing(self, at: Ints, series: Ints) -> tuple[Ints, Floats]:
        """Places in the arguments whose key is stored, and the stored values."""
        ...

    def insert(self, rows: Readings) -> None:
        """Insert readings ordered by (at, series) that are believed to be new. Raises Clash."""
        ...

    def insert_new(self, rows: Readings) -> Bools:
        """Insert those that are new; which they were."""
        ...

    def prepare(self, at: Ints, now_ms: int) -> None:
        """Make room (partitions) for these instants, outside any transaction."""
        ...

    def drop_before(self, before_ms: int, sparing: Sequence[tuple[int, int]] = ()) -> list[str]:
        """Drop whole partitions that end by then, but for those with an instant in one of these spans; their names."""
        ...

    def clear(self, from_ms: int, to_ms: int, n: int) -> bool:
        """Take away all open readings of a span if they are `n`; whether they were. Inside a transaction."""
        ...

    def close(self) -> None: ...


def connect(alias: str) -> Engine:
    """The engine of a Django database alias, on a connection apart from Django's."""
    from smartcity.telemetry.postgres import Postgres
    from smartcity.telemetry.sqlite import Sqlite

    return Sqlite(alias) if connections[alias].vendor == "sqlite" else Postgres(alias)
