# SPDX-License-Identifier: Apache-2.0
"""The one writer of telemetry: a batch is one transaction, and what is told about it is told after the commit."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from smartcity.devices import time_zone
from smartcity.kernel.clock import wall_ms
from smartcity.telemetry import book as books
from smartcity.telemetry import event_log, history, read, rollups, sealed, sifting, tally
from smartcity.telemetry.arrays import Bools, Floats, Ints
from smartcity.telemetry.batch import Batch, Quarantined, Readings, Written
from smartcity.telemetry.book import Book
from smartcity.telemetry.buckets import UTC_DAY_MS, quarter
from smartcity.telemetry.engines import Clash, Engine, Unavailable, connect
from smartcity.telemetry.keeping import Choice, Spans
from smartcity.telemetry.quarantine import Quarantine
from smartcity.telemetry.rolling import Rolling
from smartcity.telemetry.sifting import Count, HighWater

__all__ = ["Batch", "Quarantined", "Readings", "Store", "Unavailable", "Written"]

P = ParamSpec("P")
T = TypeVar("T")
FORWARD: Final = (
    "ON CONFLICT (series) DO UPDATE SET at = excluded.at, value = excluded.value, quality = excluded.quality, "
    "received_at = excluded.received_at WHERE excluded.at > latest.at"
)
SEEN: Final = "ON CONFLICT (device) DO UPDATE SET at = excluded.at WHERE excluded.at > last_seen.at"


class Store:
    """Its own connection, and a thread of its own (`do`) so that a commit waits for nobody and nobody for it.

    `write` raises Unavailable when the database takes nothing just now, and then nothing has changed. `closes` says
    that this process closes quarters; what one that does not writes is marked, for whoever does to make again.
    """

    def __init__(
        self, alias: str = read.ALIAS, *, book: Book | None = None, zone: ZoneInfo | None = None, closes: bool = True
    ) -> None:
        self.run = f"{wall_ms()}-{os.getpid()}"
        self.engine: Engine = connect(alias)
        self.book, self.closes = book, closes
        self.zone = zone
        self.rolling = Rolling(self.engine, zone or time_zone.city_zone())
        self.quarantine = Quarantine(self.engine)
        self._spans = Spans()
        self._high = HighWater()
        self._is_ready = False
        self.lock = threading.RLock()
        self._thread = ThreadPoolExecutor(1, "telemetry-store")

    async def do(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run in the store's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(*arguments, **named))

    def write(self, batch: Batch) -> Written:
        """One transaction: readings, latest values, last seen, event logs, quarantine, marks and tallies."""
        if not np.isfinite(batch.readings.value).all():
            raise ValueError("a reading must be finite; whoever decodes sees to it")
        with self.lock:
            self._prepare(batch.readings.at, batch.now_ms)
            try:
                return self._write(batch, careful=False)
            except Clash:
                self._load_high_water()
                return self._write(batch, careful=True)
            except Unavailable as problem:
                self._is_ready = not problem.in_doubt
                raise

    def bulk(self, series: Ints, at: Ints, values: Floats, *, now_ms: int | None = None) -> Written:
        """History: readings of many series over a span of time, rollups included; NaN means no reading.

        Fast when a call holds all series of whole city days (or weeks), slow when called series by series. What is
        older than its metric's raw retention at `now_ms` (default: the end of the data) goes into rollups only.
        """
        rows = history.rows(series, at, values)
        if not len(rows):
            return Written(stored=0, duplicate=0, conflicting=0, not_kept=0, quarantined=0, fresh=np.empty(0, np.bool_))
        with self.lock:
            now = int(rows.at.max()) if now_ms is None else now_ms
            self._prepare(rows.at, now)
            written = history.write(self, rows, now)
            self.forward_latest(rows)
            return written

    def close_quarters(self, now_ms: int) -> int:
        with self.lock:
            self._prepare(np.empty(0, np.int64), now_ms)
            self.rolling.under(self.zone or time_zone.city_zone())
            return self.rolling.close(now_ms)

    def mend(self) -> bool:
        """Make one late bucket again; whether there was one."""
        with self.lock:
            return self._is_ready and self.rolling.mend()

    def mend_all(self, between: Callable[[], None] = lambda: None) -> None:
        """`between` is called after each step and may raise: what is still to be mended stays marked."""
        with self.lock:
            self._ready()
            while self.rolling.mend():
                between()

    def reload(self) -> None:
        """Forget what is remembered of the database; it is read again at the next write."""
        with self.lock:
            self._is_ready = False

    def close(self) -> None:
        self._thread.shutdown(wait=True)
        self.engine.close()

    def oldest_kept(self, series: Ints, now_ms: int) -> Ints:
        """The instant before which a reading of a series is past its retention: whole UTC days, as they are dropped."""
        days = (now_ms - self.known.raw_ms[self.known.rows(series)]) // UTC_DAY_MS
        return days * UTC_DAY_MS

    def keep_ms(self, series: Ints) -> Ints:
        return self.known.keep_ms[self.known.rows(series)]

    def is_rolled(self, series: Ints) -> Bools:
        return self.known.rolled[self.known.rows(series)]

    @property
    def known(self) -> Book:
        """What is declared of each series; read from the city's database where nobody has given it."""
        if self.book is None:
            self.book = books.load()
        return self.book

    def _prepare(self, at: Ints, now_ms: int) -> None:
        self._ready()
        self.engine.prepare(at, now_ms)

    def _ready(self) -> None:
        """After a start, or after another process took over: take up what the database holds."""
        if self._is_ready:
            return
        self.rolling.load()
        self._spans.clear()
        self.quarantine.load()
        self._load_high_water()
        if self.rolling.until is not None:
            self._reopen(self.rolling.until)
        self._is_ready = True

    def _reopen(self, since: int) -> None:
        """Open quarters are in memory only; the readings they were made of are not."""
        found = Readings.of_rows(
            self.engine.rows("SELECT at, series, value, quality FROM reading WHERE at >= ? ORDER BY at", [since])
        )
        self.rolling.open.add(rollups.of_readings(found.take(self.is_rolled(found.series))))
        keep = self.keep_ms(found.series)
        self._spans.recall(found.at[keep > 0], found.series[keep > 0], keep[keep > 0])

    def _load_high_water(self) -> None:
        found = self.engine.rows("SELECT series, at FROM latest")
        columns = np.array(found, np.int64).reshape(-1, 2)
        self._high.raise_to(columns[:, 0], columns[:, 1])

    def _write(self, batch: Batch, *, careful: bool) -> Written:
        rows, count = batch.readings, Count()
        plan = self.quarantine.plan(batch.quarantined)
        with self.engine.transaction():
            first = sifting.first_of_each(rows, count)
            keep_ms = self.keep_ms(rows.series)
            is_old = rows.at < self.oldest_kept(rows.series, batch.now_ms)
            high = self._high.of(rows.series)
            may_be_sealed = rows.at < batch.now_ms - UTC_DAY_MS  # and another process's high water is not known here
            suspect = first & ~is_old & (keep_ms >= 0) & (careful | (rows.at <= high) | may_be_sealed)
            known = self._known(rows, suspect, batch.now_ms, count)
            fresh = first & ~is_old & ~known
            choice = self._choose(rows, fresh & (keep_ms > 0), keep_ms)
            stored = self._insert(rows, fresh & (keep_ms == 0) | choice.kept, careful, count)
            fresh &= stored | ~(fresh & (keep_ms == 0) | choice.kept)
            fresh &= (keep_ms >= 0) | (rows.at > high)
            self._displace(choice)
            late = self._mark_late(rows, stored, batch.now_ms)
            self.forward_latest(rows.take(fresh), inside=True)
            self._see(batch.seen)
            event_log.write(self.engine, batch.logged)
            self.quarantine.write(batch.quarantined, plan)
            written = _written(batch, stored, fresh, count, choice, plan.refuse)
            tally.add(self.engine, self.run, tally.of_batch(batch, written))
        self._after(rows, stored & ~late, fresh, choice)
        self.quarantine.remember(plan)
        return written

    def _known(self, rows: Readings, suspect: Bools, now_ms: int, count: Count) -> Bools:
        """Which of the suspects are stored already, open or sealed; they are counted."""
        known = np.zeros(len(rows), np.bool_)
        if suspect.any():
            places = np.flatnonzero(suspect)
            found, values = self.engine.existing(rows.at[places], rows.series[places])
            known[places[found]] = True
            count.add(rows.value[places[found]] == values)
            late = suspect & ~known & (rows.at < now_ms - UTC_DAY_MS)
            known |= sealed.known(self.engine, rows, late, count)
        return known

    def _choose(self, rows: Readings, candidates: Bools, keep_ms: Ints) -> Choice:
        """Of metrics kept one every n seconds; `kept` is as long as the batch."""
        kept = np.zeros(len(rows), np.bool_)
        if not candidates.any():
            return Choice(kept, [], {})
        places = np.flatnonzero(candidates)
        choice = self._spans.choose(rows.at[places], rows.series[places], keep_ms[places], self._stored_in)
        kept[places[choice.kept]] = True
        return Choice(kept, choice.displaced, choice.spans)

    def _stored_in(self, series: int, from_ms: int, to_ms: int) -> int | None:
        """A span of a sealed day is decided: what comes for it is later than anything."""
        sql = "SELECT min(at) FROM reading WHERE at >= ? AND at < ? AND series = ?"
        found: int | None = self.engine.rows(sql, [from_ms, to_ms, series])[0][0]
        if found is None and len(sealed.read(self.engine, "series = ?", [series], from_ms, to_ms)):
            return from_ms
        return found

    def _insert(self, rows: Readings, chosen: Bools, careful: bool, count: Count) -> Bools:
        """Insert in key order; which were inserted. Raises Clash unless `careful`."""
        stored = chosen.copy()
        places = np.flatnonzero(chosen)
        places = places[np.lexsort((rows.series[places], rows.at[places]))]
        if not len(places):
            return stored
        if not careful:
            self.engine.insert(rows.take(places))
            return stored
        taken = places[~self.engine.insert_new(rows.take(places))]
        found, values = self.engine.existing(rows.at[taken], rows.series[taken])
        count.add(rows.value[taken[found]] == values)
        stored[taken] = False
        return stored

    def _displace(self, choice: Choice) -> None:
        for at, series in choice.displaced:
            self.engine.run("DELETE FROM reading WHERE at = ? AND series = ?", [at, series])
        gone = np.array(choice.displaced, np.int64).reshape(-1, 2)
        rolled = self.is_rolled(gone[:, 1])
        self.rolling.mark("15m", quarter(gone[rolled, 0]), gone[rolled, 1])

    def _mark_late(self, rows: Readings, stored: Bools, now_ms: int) -> Bools:
        """Readings of quarters that are closed, or that another process will close: those are made again."""
        rolled = stored & self.is_rolled(rows.series)
        if not rolled.any():
            return rolled
        late = rows.at < (self.rolling.hold(now_ms) if self.closes else self.rolling.begin(now_ms))
        late |= not self.closes
        marked = late & rolled
        self.rolling.mark("15m", quarter(rows.at[marked]), rows.series[marked])
        return late

    def forward_latest(self, rows: Readings, *, inside: bool = False) -> None:
        """Latest values move forward in time only."""
        rows = rows.take(sifting.newest(rows))
        rows = rows.take(rows.at > self._high.of(rows.series))
        if not len(rows):
            return
        names = {"series": rows.series, "at": rows.at, "value": rows.value, "quality": rows.quality}
        columns = {name: column.tolist() for name, column in (names | {"received_at": rows.received}).items()}
        if inside:
            self.engine.put("latest", columns, FORWARD)
            return
        with self.engine.transaction():
            self.engine.put("latest", columns, FORWARD)
        self._high.raise_to(rows.series, rows.at)

    def _see(self, seen: Mapping[int, int]) -> None:
        if seen:
            devices = sorted(seen)
            self.engine.put("last_seen", {"device": devices, "at": [seen[device] for device in devices]}, SEEN)

    def _after(self, rows: Readings, on_time: Bools, fresh: Bools, choice: Choice) -> None:
        """The commit has happened: memory may follow."""
        if self.rolling.until is None and len(rows):
            self.rolling.follow()
        self._high.raise_to(rows.series[fresh], rows.at[fresh])
        self._spans.remember(choice)
        counted = on_time & self.is_rolled(rows.series)
        if counted.any():
            self.rolling.open.add(rollups.of_readings(rows.take(counted)))


def _written(
    batch: Batch, stored: Bools, fresh: Bools, count: Count, choice: Choice, refused: tuple[int, ...]
) -> Written:
    """A displaced reading was stored once and is not kept any more."""
    kept = int(stored.sum()) - len(choice.displaced)
    return Written(
        stored=kept,
        duplicate=count.duplicate,
        conflicting=count.conflicting,
        not_kept=len(batch.readings) - kept - count.duplicate - count.conflicting,
        quarantined=sum(row.readings for row in batch.quarantined),
        fresh=fresh,
        refused=refused,
    )
