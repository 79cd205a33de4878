# SPDX-License-Identifier: Apache-2.0
"""History in bulk: rows and the rollups above them, a slice of whole hours a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from smartcity.kernel.quality import Quality
from smartcity.telemetry import buckets, rollups, sealed, sifting, tally
from smartcity.telemetry.arrays import Bools, Floats, Ints
from smartcity.telemetry.batch import Readings, Written
from smartcity.telemetry.book import LATEST_ONLY
from smartcity.telemetry.buckets import Grain
from smartcity.telemetry.engines import Clash
from smartcity.telemetry.rollups import Sums
from smartcity.telemetry.sifting import Count

if TYPE_CHECKING:
    from smartcity.telemetry.store import Store

MOST_ROWS: Final = 200_000
UNLESS_THERE: Final = "ON CONFLICT (bucket, series) DO NOTHING"


def rows(series: Ints, at: Ints, values: Floats) -> Readings:
    """As good readings received when measured, ordered by (at, series)."""
    values = np.asarray(values, np.float64)
    there = np.isfinite(values)
    series, at, values = np.asarray(series, np.int64)[there], np.asarray(at, np.int64)[there], values[there]
    order = np.lexsort((series, at))
    at = at[order]
    return Readings(at, series[order], values[order], np.full(len(at), Quality.GOOD, np.int64), at)


def write(store: Store, rows: Readings, now_ms: int) -> Written:
    """Slice by slice; a crash between two leaves whole slices, and doing it again is harmless."""
    totals, days = np.zeros(4, np.int64), list[Sums]()
    for part in _hours(rows):
        try:
            counted, sums = _write(store, part, now_ms, careful=False)
        except Clash:
            counted, sums = _write(store, part, now_ms, careful=True)
        totals += counted
        if len(sums):
            days.append(rollups.into(sums, buckets.day(sums.bucket, store.rolling.zone)))
    if days:
        with store.engine.transaction():
            sums = rollups.gather(rollups.joined(days))
            there = _put(store, "1d", sums, store.rolling.begin(now_ms))
            store.rolling.mark("1d", there.bucket, there.series)
    stored, duplicate, conflicting, not_kept = totals.tolist()
    return Written(
        stored=stored, duplicate=duplicate, conflicting=conflicting, not_kept=not_kept, quarantined=0,
        fresh=np.ones(len(rows), np.bool_),
    )  # fmt: skip


def _hours(rows: Readings) -> Iterator[Readings]:
    """Slices that end with an hour, so that hours can be made from them."""
    hour = buckets.hour(rows.at)
    ends = np.append(np.flatnonzero(hour[1:] != hour[:-1]) + 1, len(rows))
    start = 0
    while start < len(rows):
        fits, next_one = np.searchsorted(ends, [start + MOST_ROWS, start], side="right")
        end = int(ends[max(fits - 1, next_one)])
        yield rows.take(np.arange(start, end))
        start = end


def _write(store: Store, rows: Readings, now_ms: int, *, careful: bool) -> tuple[Ints, Sums]:
    """One transaction; counts of stored, duplicate, conflicting, not kept, and the sums by closed quarter."""
    count, keep = Count(), store.keep_ms(rows.series)
    first = sifting.first_of_each(rows, count) & (keep != LATEST_ONLY)
    first &= ~(keep > 0) | _earliest_of_spans(rows, first & (keep > 0), keep)
    is_old = rows.at < store.oldest_kept(rows.series, now_ms)
    with store.engine.transaction():
        until = store.rolling.begin(now_ms)
        late = first & ~is_old & (rows.at < now_ms - buckets.UTC_DAY_MS)
        first &= ~sealed.known(store.engine, rows, late, count)
        stored = first & ~is_old
        if careful:
            stored[stored] = store.engine.insert_new(rows.take(stored))
            taken = np.flatnonzero(first & ~is_old & ~stored)
            found, values = store.engine.existing(rows.at[taken], rows.series[taken])
            count.add(rows.value[taken[found]] == values)
        elif stored.any():
            store.engine.insert(rows.take(stored))
        sums = _roll(store, rows, stored, first & is_old, until, now_ms, careful=careful)
        kept = int(stored.sum())
        rest = len(rows) - kept - count.duplicate - count.conflicting
        told = {"decoded": len(rows), "stored": kept, "duplicate": count.duplicate, "conflicting": count.conflicting}
        counts = {f"readings.{name}": n for name, n in (told | {"not_kept": rest}).items()}
        tally.add(store.engine, store.run, counts)
    if store.rolling.until is None:
        store.rolling.follow()
    return np.array([kept, count.duplicate, count.conflicting, rest]), sums


def _roll(store: Store, rows: Readings, stored: Bools, old: Bools, until: int, now_ms: int, *, careful: bool) -> Sums:
    """Quarters and hours of new readings. Where readings were there before, the quarter is made again from them all;
    quarters still open are marked, because the process that has them open knows nothing of these rows. A quarter
    whose readings are past retention can only be written once: nothing is left to make it again from."""
    rolled = store.is_rolled(rows.series)
    again = stored & rolled & ((rows.at >= until) | careful)
    store.rolling.mark("15m", buckets.quarter(rows.at[again]), rows.series[again])
    sums = rollups.of_readings(rows.take((stored | old) & rolled & ~again))
    there = _put(store, "15m", sums, until)
    there = there.take(there.bucket >= store.oldest_kept(there.series, now_ms))
    store.rolling.mark("15m", there.bucket, there.series)
    store.rolling.mark_growing(sums, until)
    there = _put(store, "1h", rollups.into(sums, buckets.hour(sums.bucket)), until)
    store.rolling.mark("1h", there.bucket, there.series)
    return sums


def _put(store: Store, grain: Grain, sums: Sums, until: int) -> Sums:
    """Insert the buckets that have ended; the rows of those parts in which one was there already."""
    starts, which = np.unique(sums.bucket, return_inverse=True)
    ended = np.array([buckets.end(start, grain, store.rolling.zone) <= until for start in starts.tolist()], np.bool_)
    sums = sums.take(ended[which])
    single = (sums.n == 1) & (sums.n_good == 1)
    there = []
    for part, names in ((sums.take(single), ("bucket", "series", "total")), (sums.take(~single), rollups.COLUMNS)):
        columns = rollups.columns(part)
        written = store.engine.put(f"rollup_{grain}", {name: columns[name] for name in names}, UNLESS_THERE)
        if written != len(part):
            there.append(part)
    return rollups.joined(there)


def _earliest_of_spans(rows: Readings, candidates: Bools, keep_ms: Ints) -> Bools:
    """Rows are ordered by time: the first of each (series, span)."""
    chosen = np.zeros(len(rows), np.bool_)
    places = np.flatnonzero(candidates)
    if len(places):
        spans = np.stack((rows.series[places], rows.at[places] // keep_ms[places]))
        chosen[places[np.unique(spans, axis=1, return_index=True)[1]]] = True
    return chosen
