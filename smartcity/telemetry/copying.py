# SPDX-License-Identifier: Apache-2.0
"""Rows in PostgreSQL's binary COPY format (manual, COPY, "Binary Format"), made column by column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from smartcity.telemetry import rollups
from smartcity.telemetry.arrays import Floats, Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.rollups import Sums

HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER: Final = b"\xff\xff"
READING: Final = ("at", "series", "value", "quality", "delay_s")
TYPES: Final = {
    "at": ">i8", "bucket": ">i8", "series": ">i4", "quality": ">i2", "delay_s": ">i4", "n": ">i4", "n_good": ">i4",
}  # fmt: skip
NULL: Final = -1


def readings(rows: Readings) -> bytes:
    """Columns as in READING."""
    return HEADER + _packed(READING, len(rows), lambda name: getattr(rows, name)) + TRAILER


def sums(rows: Sums) -> bytes:
    """Columns as in `rollups.COLUMNS`; low, high and last are null where the total says it all."""
    told = rows.n_good > 1
    return HEADER + _sums(rows.take(told), ()) + _sums(rows.take(~told), rollups.NULLABLE) + TRAILER


def triples(packed: bytes) -> tuple[Ints, Ints, Floats]:
    """Columns of what COPY TO gave of an int8, an int4 and a float8, none of them null."""
    fields = [("fields", ">i2")]
    for name, kind in (("bucket", ">i8"), ("series", ">i4"), ("value", ">f8")):
        fields += [(f"{name}_length", ">i4"), (name, kind)]
    size = np.dtype(fields).itemsize
    count = (len(packed) - len(HEADER) - len(TRAILER)) // size
    rows = np.frombuffer(packed, fields, count, len(HEADER))
    return rows["bucket"].astype(np.int64), rows["series"].astype(np.int64), rows["value"].astype(np.float64)


def _sums(rows: Sums, null: tuple[str, ...]) -> bytes:
    return _packed(rollups.COLUMNS, len(rows), lambda name: getattr(rows, name), null)


def _packed(columns: tuple[str, ...], n: int, column: Callable[[str], Any], null: tuple[str, ...] = ()) -> bytes:
    """Each row is the number of its fields, then each field with its length before it; a null is a length only."""
    types = {name: np.dtype(TYPES.get(name, ">f8")) for name in columns if name not in null}
    lengths = {name: types[name].itemsize if name in types else NULL for name in columns}
    parts = [("fields", ">i2")]
    for name in columns:
        parts += [(f"{name}_length", ">i4")] + ([(name, types[name].str)] if name in types else [])
    filled = np.empty(n, parts)
    filled["fields"] = len(columns)
    for name in columns:
        filled[f"{name}_length"] = lengths[name]
        if name in types:
            filled[name] = column(name)
    return filled.tobytes()
