# SPDX-License-Identifier: Apache-2.0
"""Readings out of sealed days. Who asks for readings asks here too and joins: a key may lie open and sealed at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from smartcity.telemetry import packing
from smartcity.telemetry.arrays import Bools, Floats, Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.buckets import UTC_DAY_MS
from smartcity.telemetry.engines import Engine
from smartcity.telemetry.sifting import Count

COLUMNS: Final = "series, day, packed"


def days(from_ms: int, to_ms: int) -> tuple[int, int]:
    """The first and the last UTC day with an instant in [from_ms, to_ms)."""
    return from_ms // UTC_DAY_MS, (to_ms - 1) // UTC_DAY_MS


def opened(rows: Sequence[tuple[int, int, bytes]]) -> Readings:
    """Of rows (series, day, packed), in their order; when they were received is told as the instant. O(readings)."""
    if not rows:
        return Readings.none()
    columns = packing.unpack_values([bytes(packed) for _, _, packed in rows])
    counts = np.array([len(at) for at, _, _ in columns], np.int64)
    starts = np.array([day * UTC_DAY_MS for _, day, _ in rows], np.int64)
    at = np.concatenate([at for at, _, _ in columns]) + np.repeat(starts, counts)
    series = np.repeat(np.array([series for series, _, _ in rows], np.int64), counts)
    value = np.concatenate([value for _, value, _ in columns])
    return Readings(at, series, value, np.concatenate([quality for _, _, quality in columns]), at)


def joined(one: Readings, other: Readings) -> Readings:
    """Both, ordered by (at, series), each key once."""
    if not len(other):
        return one
    both = Readings.of_parts([one, other])
    both = both.take(np.lexsort((both.series, both.at)))
    first = np.ones(len(both), np.bool_)
    first[1:] = (both.at[1:] != both.at[:-1]) | (both.series[1:] != both.series[:-1])
    return both.take(first)


def within(rows: Readings, from_ms: int, to_ms: int) -> Readings:
    """Those in [from_ms, to_ms)."""
    return rows.take((rows.at >= from_ms) & (rows.at < to_ms))


def read(engine: Engine, condition: str, given: Sequence[Any], from_ms: int, to_ms: int) -> Readings:
    """Sealed readings in [from_ms, to_ms) of the series `condition` (with its parameters) names."""
    if to_ms <= from_ms:
        return Readings.none()
    sql = f"SELECT {COLUMNS} FROM sealed WHERE day >= ? AND day <= ? AND ({condition})"
    return within(opened(engine.rows(sql, [*days(from_ms, to_ms), *given])), from_ms, to_ms)


def existing(engine: Engine, at: Ints, series: Ints) -> tuple[Ints, Floats]:
    """Places in the arguments whose key is sealed, and the sealed values. Opens their own series-days and no others."""
    wanted = set(zip(series.tolist(), (at // UTC_DAY_MS).tolist(), strict=True))
    sql = f"SELECT {COLUMNS} FROM sealed WHERE {engine.among('series')} AND {engine.among('day')}"
    given = [engine.ids({number for number, _ in wanted}), engine.ids({day for _, day in wanted})]
    rows = opened([row for row in engine.rows(sql, given) if row[:2] in wanted]) if wanted else Readings.none()
    if not len(rows):
        return np.empty(0, np.int64), np.empty(0, np.float64)
    order = np.lexsort((rows.series, rows.at))
    there = rows.take(order)
    keys, asked = _keys(there.at, there.series), _keys(at, series)
    places = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    found = np.flatnonzero(keys[places] == asked)
    return found, there.value[places[found]]


def known(engine: Engine, rows: Readings, suspect: Bools, count: Count) -> Bools:
    """Which of the suspects lie sealed already; they are counted."""
    is_known = np.zeros(len(rows), np.bool_)
    places = np.flatnonzero(suspect)
    found, values = existing(engine, rows.at[places], rows.series[places])
    is_known[places[found]] = True
    count.add(rows.value[places[found]] == values)
    return is_known


def _keys(at: Ints, series: Ints) -> Any:
    """Comparable (at, series), in the order of both."""
    keys = np.empty(len(at), np.dtype([("at", np.int64), ("series", np.int64)]))
    keys["at"], keys["series"] = at, series
    return keys
