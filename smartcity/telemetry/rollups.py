# SPDX-License-Identifier: Apache-2.0
"""Readings summed into buckets, the same to the last bit in whatever order they came."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smartcity.kernel.quality import Quality
from smartcity.telemetry.arrays import Bools, Floats, Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.buckets import quarter

Parts = NDArray[np.float64]
QUANTA: Final = (2.0**17, 2.0**-16, 2.0**-49)
COLUMNS: Final = ("bucket", "series", "n", "n_good", "total", "low", "high", "last")
NULLABLE: Final = ("low", "high", "last")
REPLACE: Final = "ON CONFLICT (bucket, series) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in COLUMNS[2:]
)
ALL: Final = ("bucket", "series", "n", "n_good", "parts", "low", "high", "last_at", "last")


@dataclass(frozen=True, slots=True)
class Sums:
    """One row per (bucket, series), ordered so. `parts` (3 x rows) add up to the total of the usable values.

    `last` is the usable value with the greatest `last_at`. Rows without a usable value hold inf, -inf and nan.
    """

    bucket: Ints
    series: Ints
    n: Ints
    n_good: Ints
    parts: Parts
    low: Floats
    high: Floats
    last_at: Ints
    last: Floats

    def __len__(self) -> int:
        return len(self.bucket)

    @property
    def total(self) -> Floats:
        """A single value is its own total, to the last bit."""
        whole: Floats = (self.parts[0] + self.parts[1]) + self.parts[2]
        return np.where(self.n_good == 1, self.last, np.where(self.n_good > 0, whole, 0.0))

    def take(self, which: Bools | Ints) -> Sums:
        return Sums(*(getattr(self, name)[..., which] for name in ALL))


def split(value: Floats) -> Parts:
    """Each value in three parts, multiples of 2^17, 2^-16 and 2^-49, that add up to it.

    Up to 2^20 parts of values below 2^50 add without rounding, so their order cannot show. What is finer than 2^-49
    is left out of each value alike. (The binned sums of Demmel and Nguyen, 2015, with fixed bins.)
    """
    parts = np.empty((3, len(value)))
    rest = value
    for part, quantum in zip(parts, QUANTA, strict=True):
        part[:] = np.rint(rest / quantum) * quantum
        rest = rest - part
    return parts


def of_readings(rows: Readings) -> Sums:
    """Readings by quarter of an hour. Suspect ones are counted and otherwise left out."""
    usable = rows.quality < Quality.SUSPECT_RANGE
    ones = np.ones(len(rows), np.int64)
    return gather(
        Sums(
            quarter(rows.at),
            rows.series,
            ones,
            usable.astype(np.int64),
            np.where(usable, split(rows.value), 0.0),
            np.where(usable, rows.value, np.inf),
            np.where(usable, rows.value, -np.inf),
            rows.at,
            np.where(usable, rows.value, np.nan),
        )
    )


def of_rows(found: list[tuple[Any, ...]], bucket: Ints) -> Sums:
    """Stored rows (see COLUMNS) of a finer grain, summed into `bucket` (one per row)."""
    if not found:
        return _empty()
    begin, series, n, n_good, total, low, high, last = (np.array(c, np.float64) for c in zip(*found, strict=True))
    for column in (low, high, last):
        column[np.isnan(column) & (n_good == 1)] = total[np.isnan(column) & (n_good == 1)]
    good = n_good > 0
    return gather(
        Sums(
            bucket,
            series.astype(np.int64),
            n.astype(np.int64),
            n_good.astype(np.int64),
            split(np.where(good, total, 0.0)),
            np.where(good, low, np.inf),
            np.where(good, high, -np.inf),
            begin.astype(np.int64),
            last,
        )
    )


def as_stored(rows: Sums) -> Sums:
    """Quarters as they are read back: the total is one number, the last value as old as its quarter."""
    return replace(rows, parts=split(rows.total), last_at=rows.bucket)


def gather(rows: Sums) -> Sums:
    """Rows of the same (bucket, series) become one. O(n log n)."""
    if not len(rows):
        return rows
    rows = rows.take(np.lexsort((rows.last_at, rows.series, rows.bucket)))
    news = (rows.bucket[1:] != rows.bucket[:-1]) | (rows.series[1:] != rows.series[:-1])
    starts = np.concatenate(([0], np.flatnonzero(news) + 1))
    if len(starts) == len(rows):
        return rows
    places = np.where(rows.n_good > 0, np.arange(len(rows)), -1)
    newest = np.maximum.reduceat(places, starts)
    at = np.maximum(newest, 0)
    return Sums(
        rows.bucket[starts],
        rows.series[starts],
        np.add.reduceat(rows.n, starts),
        np.add.reduceat(rows.n_good, starts),
        np.add.reduceat(rows.parts, starts, axis=1),
        np.minimum.reduceat(rows.low, starts),
        np.maximum.reduceat(rows.high, starts),
        rows.last_at[at],
        np.where(newest >= 0, rows.last[at], np.nan),
    )


def columns(sums: Sums) -> dict[str, list[Any]]:
    """Ready for `Engine.put`; low, high and last are left out (None) where the total says it all."""
    told = sums.n_good > 1
    rest = {name: _told(getattr(sums, name), told) for name in NULLABLE}
    whole: dict[str, list[Any]] = {name: getattr(sums, name).tolist() for name in ("bucket", "series", "n", "n_good")}
    return whole | {"total": sums.total.tolist()} | rest


class OpenBuckets:
    """Quarters still filling, in memory. They can always be made again from the stored readings."""

    def __init__(self) -> None:
        self._merged = _empty()
        self._fresh: list[Sums] = []
        self._waiting = 0

    def add(self, sums: Sums) -> None:
        """Sums wait in a list and are merged when they have become many: a small batch stays cheap."""
        self._fresh.append(sums)
        self._waiting += len(sums)
        if self._waiting > max(20_000, len(self._merged)):
            self._merge()

    def closed(self, until: int) -> Sums:
        """What the quarters that begin before `until` hold."""
        self._merge()
        return self._merged.take(self._merged.bucket < until)

    def forget(self, until: int) -> None:
        self._merge()
        self._merged = self._merged.take(self._merged.bucket >= until)

    def clear(self) -> None:
        self._merged, self._fresh, self._waiting = _empty(), [], 0

    def _merge(self) -> None:
        if self._fresh:
            self._merged = gather(joined([self._merged, *self._fresh]))
            self._fresh, self._waiting = [], 0


def into(sums: Sums, bucket: Ints) -> Sums:
    """The same sums in coarser buckets (one per row). The last value is that of the latest finer bucket."""
    return gather(replace(sums, bucket=bucket))


def _told(column: Floats, told: Bools) -> list[float | None]:
    return [value if says else None for value, says in zip(column.tolist(), told.tolist(), strict=True)]


def joined(many: list[Sums]) -> Sums:
    if not many:
        return _empty()
    return Sums(*(np.concatenate([getattr(sums, name) for sums in many], axis=-1) for name in ALL))


def _empty() -> Sums:
    ints, floats = np.empty(0, np.int64), np.empty(0)
    return Sums(ints, ints, ints, ints, np.empty((3, 0)), floats, floats, ints, floats)
