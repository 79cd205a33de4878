# SPDX-License-Identifier: Apache-2.0
"""Days that are over are packed: a row a series, a few bytes a reading. What comes later still opens them again.

Nothing is remembered of what is sealed: whatever lies open of a day long enough ago is to be sealed, once more if need
be. A day is first written packed and only then taken from the open readings, so that a crash between the two leaves
readings that lie in both; whoever reads sees each once, and the next round finishes the work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from smartcity.telemetry import packing
from smartcity.telemetry.arrays import Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.buckets import HOUR_MS, UTC_DAY_MS
from smartcity.telemetry.packing import Day
from smartcity.telemetry.store import Store

AFTER_MS: Final = 36 * HOUR_MS  # so long a day stays open after its end: most of what is late has come by then
AT_ONCE: Final = 200  # series a step: some 20 ms
COLUMNS: Final = "at, series, value, quality, delay_s"
REPLACE: Final = "ON CONFLICT (series, day) DO UPDATE SET n = excluded.n, packed = excluded.packed"


@dataclass(slots=True)
class Sealed:
    """What one round did; `packed_bytes` without the tables' own overhead."""

    days: int = 0
    readings: int = 0
    packed_bytes: int = 0


def seal(store: Store, now_ms: int, done: Sealed) -> Iterator[None]:
    """Every day that is long enough over, oldest first; one short transaction or query a step. Memory: one day's
    readings at 40 bytes."""
    horizon, cursor = (now_ms - AFTER_MS) // UTC_DAY_MS * UTC_DAY_MS, 0
    while True:
        found = store.engine.rows("SELECT min(at) FROM reading WHERE at >= ? AND at < ?", [cursor, horizon])[0][0]
        if found is None:
            return
        day = int(found) // UTC_DAY_MS
        yield from _seal_day(store, day, done)
        done.days += 1
        cursor = (day + 1) * UTC_DAY_MS


def _seal_day(store: Store, day: int, done: Sealed) -> Iterator[None]:
    parts: list[Readings] = []
    for start in range(day * UTC_DAY_MS, (day + 1) * UTC_DAY_MS, HOUR_MS):
        parts.append(_open(store, start, start + HOUR_MS))
        yield
    rows = _by_series(parts)
    starts = np.flatnonzero(np.diff(rows.series, prepend=-1))
    for first in range(0, len(starts), AT_ONCE):
        end = starts[first + AT_ONCE] if first + AT_ONCE < len(starts) else len(rows)
        _write(store, day, rows.take(np.arange(starts[first], end)), done)
        yield
    for part in _clearable(parts, store.engine.clear_ms):
        start = int(part.at.min()) // store.engine.clear_ms * store.engine.clear_ms
        with store.engine.transaction():
            store.engine.clear(start, start + store.engine.clear_ms, len(part))
        yield


def _open(store: Store, from_ms: int, to_ms: int) -> Readings:
    sql = f"SELECT {COLUMNS} FROM reading WHERE at >= ? AND at < ?"
    return Readings.of_rows(store.engine.rows(sql, [from_ms, to_ms]))


def _by_series(parts: list[Readings]) -> Readings:
    rows = Readings.of_parts(parts)
    return rows.take(np.lexsort((rows.at, rows.series)))


def _clearable(parts: list[Readings], clear_ms: int) -> list[Readings]:
    """The open readings by the spans the engine clears at once."""
    if clear_ms == UTC_DAY_MS:
        parts = [_by_series(parts)]
    return [part for part in parts if len(part)]


def _write(store: Store, day: int, rows: Readings, done: Sealed) -> None:
    """Pack the readings of some series, together with what is sealed of them already."""
    engine = store.engine
    ids = engine.ids(np.unique(rows.series).tolist())
    with engine.transaction():
        before = engine.rows(
            f"SELECT series, packed FROM sealed WHERE day = ? AND {engine.among('series')}", [day, ids]
        )
        sealed_before = {int(series): packing.unpack(bytes(packed)) for series, packed in before}
        columns: dict[str, list[object]] = {"series": [], "day": [], "n": [], "packed": []}
        for series, part in _each(rows):
            whole = _merged(_day_of(part, day), sealed_before.get(series))
            packed = packing.pack(whole)
            for name, value in zip(columns, (series, day, len(whole), packed), strict=True):
                columns[name].append(value)
            done.packed_bytes += len(packed)
        engine.put("sealed", columns, REPLACE)
    done.readings += len(rows)


def _each(rows: Readings) -> Iterator[tuple[int, Readings]]:
    ends = np.append(np.flatnonzero(np.diff(rows.series)) + 1, len(rows)).tolist()
    start = 0
    for end in ends:
        yield int(rows.series[start]), rows.take(np.arange(start, end))
        start = end


def _day_of(rows: Readings, day: int) -> Day:
    return Day(rows.at - day * UTC_DAY_MS, rows.value, rows.quality, rows.delay_s)


def _merged(new: Day, old: Day | None) -> Day:
    """Each instant once; what was sealed first stays."""
    if old is None:
        return new
    at: Ints = np.concatenate([old.at, new.at])
    _, first = np.unique(at, return_index=True)
    return Day(*(np.concatenate([getattr(old, name), getattr(new, name)])[first] for name in Day.__slots__))
