# SPDX-License-Identifier: Apache-2.0
"""What the store holds, for loops, forecasts, alarms and pages: one query each, so never call these in a loop.

Raw readings are clustered by time: the cost of `readings` grows with the span, not with the series; ask for hours of
them and for rollups beyond that. Never call these inside a transaction on the city's database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
from django.db import connections

from smartcity.devices import time_zone
from smartcity.kernel.quality import Quality
from smartcity.telemetry import buckets, copying, sealed
from smartcity.telemetry.arrays import Floats, Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.buckets import Grain
from smartcity.telemetry.dialect import among, each, many, plain

ALIAS: Final = "telemetry"
SPARSE: Final = 8  # of so many neighbouring ids one is wanted: reading them all is cheaper than all of the city
FEW: Final = 50  # up to so many series, looking up each bucket is cheaper than reading all series of the span


@dataclass(frozen=True, slots=True)
class Value:
    """One reading of a series whose id the caller knows."""

    at_ms: int
    value: float
    quality: int

    @property
    def is_usable(self) -> bool:
        return self.quality < Quality.SUSPECT_RANGE


@dataclass(frozen=True, slots=True)
class Rollups:
    """Columns of equal length, ordered by (bucket, series).

    `n` counts all readings of a bucket; `n_good` the usable ones, and only these make total, low, high, last and
    mean. Where there is none, those are NaN (total 0).
    """

    bucket: Ints
    series: Ints
    n: Ints
    n_good: Ints
    total: Floats
    low: Floats
    high: Floats
    last: Floats

    def __len__(self) -> int:
        return len(self.bucket)

    @property
    def mean(self) -> Floats:
        mean: Floats = np.divide(self.total, self.n_good, out=np.full(len(self), np.nan), where=self.n_good > 0)
        return mean

    def column(self, name: str) -> Floats:
        """mean, total, low, high, last, n or n_good as floats; total is NaN where nothing usable came."""
        found = np.asarray(getattr(self, name), np.float64)
        return np.where(self.n_good > 0, found, np.nan) if name == "total" else found


def latest(series_ids: Iterable[int]) -> dict[int, Value]:
    """The newest value in device time of each series that has one."""
    sql = "SELECT series, at, value, quality FROM latest WHERE {series}"
    return {series: Value(at, value, quality) for series, at, value, quality in _of(sql, "series", series_ids)}


def last_seen(device_ids: Iterable[int]) -> dict[int, int]:
    """Device.pk → city ms of its last message of any kind."""
    return dict(_of("SELECT device, at FROM last_seen WHERE {device}", "device", device_ids))


def readings(series_id: int, from_ms: int, to_ms: int, limit: int = 10_000, after: int | None = None) -> list[Value]:
    """Raw readings in [from_ms, to_ms), oldest first, at most `limit`; `after` is the `at_ms` of the last one had."""
    start = from_ms if after is None else max(from_ms, after + 1)
    sql = "SELECT at, value, quality FROM reading WHERE at >= %s AND at < %s AND series = %s ORDER BY at LIMIT %s"
    found = {row[0]: Value(*row) for row in _rows(sql, [start, to_ms, series_id, limit])}
    packed = sealed.within(sealed.opened(_first_sealed(series_id, start, to_ms, limit)), start, to_ms)
    columns = (packed.at.tolist(), packed.value.tolist(), packed.quality.tolist())
    found |= {row[0]: Value(*row) for row in zip(*columns, strict=True)}
    return [found[at] for at in sorted(found)[:limit]]


def raw(series_ids: Iterable[int], from_ms: int, to_ms: int) -> tuple[Ints, Ints, Floats, Ints]:
    """Columns series, at, value, quality of many series in [from_ms, to_ms), ordered by (at, series)."""
    sql = "SELECT series, at, value, quality FROM reading WHERE at >= %s AND at < %s AND {series} ORDER BY at, series"
    ids = plain(series_ids)
    found = _of(sql, "series", ids, [from_ms, to_ms])
    open_ones = Readings(_ints(found, 1), _ints(found, 0), _floats(found, 2), _ints(found, 3), _ints(found, 1))
    packed = f"SELECT {sealed.COLUMNS} FROM sealed WHERE day >= %s AND day <= %s AND {{series}}"
    days = _of(packed, "series", ids, sealed.days(from_ms, to_ms))
    rows = sealed.joined(open_ones, sealed.within(sealed.opened(days), from_ms, to_ms))
    return rows.series, rows.at, rows.value, rows.quality


def rollups(series_ids: Iterable[int], grain: Grain, from_ms: int, to_ms: int) -> Rollups:
    """Closed buckets that begin in [from_ms, to_ms). A quarter is written about two minutes after its end.

    Days that began by another time zone and are older than the quarters they could be made from again are left out.
    """
    ids = sorted(set(plain(series_ids)))
    columns = "r.bucket, r.series, r.n, r.n_good, r.total, r.low, r.high, r.last"
    wanted = buckets.starts(from_ms, to_ms, grain, time_zone.city_zone())
    vendor = connections[ALIAS].vendor
    if 0 < len(ids) <= FEW:
        sql = (
            f"SELECT {columns} FROM {each(vendor, 'b')} CROSS JOIN {each(vendor, 's')} "
            f"CROSS JOIN rollup_{grain} r WHERE r.bucket = b.value AND r.series = s.value ORDER BY r.bucket, r.series"
        )
        return _rollups(_rows(sql, [many(vendor, wanted), many(vendor, ids)]))
    sql = f"SELECT {columns} FROM rollup_{grain} r WHERE r.bucket >= %s AND r.bucket < %s AND {{r.series}}"
    found = _of(sql + " ORDER BY r.bucket, r.series", "r.series", ids, [from_ms, to_ms])
    if grain == "1d":
        midnights = frozenset(wanted.tolist())
        found = [row for row in found if row[0] in midnights]
    return _rollups(found)


def grid(
    series_ids: Sequence[int], grain: Grain, from_ms: int, to_ms: int, column: str = "mean"
) -> tuple[Ints, Floats]:
    """Bucket starts, and one row per series in the order asked for (NaN where nothing usable came).

    `column` is any of Rollups: mean, total, low, high, last, n, n_good.
    """
    wanted = buckets.starts(from_ms, to_ms, grain, time_zone.city_zone())
    ids = np.array(plain(series_ids), np.int64)
    if len(ids) > FEW and int(ids.max() - ids.min()) < SPARSE * len(ids) and len(wanted):
        bucket, series, value = _of_neighbours(ids, grain, wanted, column)
        chosen = np.isin(series, ids)
        return wanted, _placed(ids, wanted, bucket[chosen], series[chosen], value[chosen])
    return wanted, _laid_out(ids, wanted, rollups(ids, grain, from_ms, to_ms), column)


def grid_at(series_ids: Sequence[int], grain: Grain, wanted: Ints, column: str = "mean") -> Floats:
    """The same for buckets that do not follow one another; `wanted` are their starts, ascending."""
    ids = sorted(set(plain(series_ids)))
    if not ids or not len(wanted):
        return np.full((len(series_ids), len(wanted)), np.nan)
    vendor = connections[ALIAS].vendor
    columns = "r.bucket, r.series, r.n, r.n_good, r.total, r.low, r.high, r.last"
    where = f"{among(vendor, 'r.bucket')} AND {among(vendor, 'r.series')}"
    sql = f"SELECT {columns} FROM rollup_{grain} r WHERE {where} ORDER BY r.bucket, r.series"
    found = _rollups(_rows(sql, [many(vendor, wanted), many(vendor, ids)]))
    return _laid_out(series_ids, wanted, found, column)


def _laid_out(series_ids: Iterable[int] | Ints, wanted: Ints, found: Rollups, column: str) -> Floats:
    """One row per series in the order asked for, one column per bucket."""
    ids = np.array(plain(series_ids), np.int64)
    return _placed(ids, wanted, found.bucket, found.series, found.column(column))


def _placed(ids: Ints, wanted: Ints, bucket: Ints, series: Ints, value: Floats) -> Floats:
    values = np.full((len(ids), len(wanted)), np.nan)
    if len(bucket):
        order = np.argsort(ids, kind="stable")
        values[order[np.searchsorted(ids, series, sorter=order)], np.searchsorted(wanted, bucket)] = value
    return values


def _of_neighbours(ids: Ints, grain: Grain, wanted: Ints, column: str) -> tuple[Ints, Ints, Floats]:
    """Bucket, series and value of all from the smallest to the largest id: in each bucket they lie side by side."""
    vendor = connections[ALIAS].vendor
    single = f"CASE WHEN r.n_good = 1 THEN coalesce(r.{column}, r.total) ELSE r.{column} END"
    value = {"mean": "r.total / r.n_good", "total": "r.total", "n": "r.n", "n_good": "r.n_good"}.get(column, single)
    where = "r.series BETWEEN %s AND %s" + ("" if column in ("n", "n_good") else " AND r.n_good > 0")
    sql = f"SELECT r.bucket, r.series, CAST({value} AS double precision) FROM "
    given = [many(vendor, wanted), int(ids.min()), int(ids.max())]
    with connections[ALIAS].cursor() as cursor:
        if vendor == "sqlite":
            cursor.execute(
                f"{sql}{each(vendor, 'b')} CROSS JOIN rollup_{grain} r WHERE r.bucket = b.value AND {where}", given
            )
            rows = np.fromiter(chain.from_iterable(cursor.fetchall()), np.float64).reshape(-1, 3)
            return rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64), rows[:, 2]
        packed = f"COPY ({sql}rollup_{grain} r WHERE {among(vendor, 'r.bucket')} AND {where}) TO STDOUT (FORMAT BINARY)"
        with cursor.copy(packed, given) as copy:
            return copying.triples(b"".join(copy))


def first_at() -> int | None:
    """City ms of the oldest quarter or reading there is, or None on an empty store."""
    sql = (
        "SELECT min(at) FROM (SELECT min(bucket) AS at FROM rollup_15m UNION ALL SELECT min(at) FROM reading "
        f"UNION ALL SELECT CAST(min(day) AS bigint) * {buckets.UTC_DAY_MS} FROM sealed) AS ends"
    )
    found: int | None = _rows(sql, [])[0][0]
    return found


def _first_sealed(series: int, from_ms: int, to_ms: int, limit: int) -> list[tuple[Any, ...]]:
    """The sealed days that hold the first `limit` readings from `from_ms` on; of the first day all may be earlier."""
    if to_ms <= from_ms:
        return []
    order = "OVER (ORDER BY day)"
    counted = f"SELECT {sealed.COLUMNS}, sum(n) {order} - n - first_value(n) {order} AS before FROM sealed"
    sql = f"SELECT {sealed.COLUMNS} FROM ({counted} WHERE series = %s AND day >= %s AND day <= %s) AS days"
    return _rows(sql + " WHERE before < %s ORDER BY day", [series, *sealed.days(from_ms, to_ms), limit])


def _of(sql: str, column: str, ids: Iterable[int], parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Rows of `sql`, whose `{column}` stands last and becomes "is one of ids"."""
    wanted = plain(ids)
    if not wanted:
        return []
    vendor = connections[ALIAS].vendor
    condition = sql.replace("{" + column + "}", among(vendor, column))
    return _rows(condition, [*parameters, many(vendor, wanted)])


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _rollups(rows: list[tuple[Any, ...]]) -> Rollups:
    """A bucket with one usable reading is stored as its total alone."""
    n_good, total = _ints(rows, 3), _floats(rows, 4)
    low, high, last = (_floats(rows, column) for column in (5, 6, 7))
    single = n_good == 1
    for column in (low, high, last):
        column[single & np.isnan(column)] = total[single & np.isnan(column)]
    return Rollups(_ints(rows, 0), _ints(rows, 1), _ints(rows, 2), n_good, total, low, high, last)


def _ints(rows: list[tuple[Any, ...]], column: int) -> Ints:
    return np.array([row[column] for row in rows], np.int64)


def _floats(rows: list[tuple[Any, ...]], column: int) -> Floats:
    return np.array([row[column] for row in rows], np.float64)
