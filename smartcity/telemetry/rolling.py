# SPDX-License-Identifier: Apache-2.0
"""Rollups kept up: quarters written when they close, hours and days with them, all mended where data came late.

A mark in `dirty` names a (grain, bucket, series) to make again; a negative series -k-1 stands for all ids of the k-th
block of 512. Marks are written in the transaction that makes them necessary, so nothing is forgotten by a crash; one of
an hour or day in progress waits for its end.

Hours and days grow in memory from the quarters this process closes. A bucket is written from there only when all its
quarters since its beginning were closed here; otherwise it is marked, and made from the stored quarters. What a process
had in memory when it died, another makes again (`holding`).
"""

from __future__ import annotations

import logging
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import numpy as np

from smartcity.telemetry import buckets, rollups, sealed
from smartcity.telemetry.arrays import Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.buckets import Grain
from smartcity.telemetry.engines import Engine
from smartcity.telemetry.holding import Holding
from smartcity.telemetry.rollups import Sums

GRACE_MS: Final = 120_000  # a quarter closes this much city time after its end; later data are mended in
BLOCK: Final = 512
MOST_MARKS: Final = 2000
# Changes nothing, but whoever mends waits until what the mark stands for is committed.
DAYS: Final = "days:"  # a row of `watermark` whose name goes on with the zone the stored days begin by
MARKED: Final = "ON CONFLICT (grain, bucket, series) DO UPDATE SET series = excluded.series WHERE false"

log = logging.getLogger(__name__)


class Rolling:
    """`until` is the instant before which every quarter is closed; None on a store that has taken nothing yet."""

    def __init__(self, engine: Engine, zone: ZoneInfo) -> None:
        self.engine = engine
        self.zone = zone
        self.open = rollups.OpenBuckets()
        self.holding = Holding(engine)
        self.until: int | None = None
        self._growing: dict[Grain, rollups.OpenBuckets] = {"1h": rollups.OpenBuckets(), "1d": rollups.OpenBuckets()}
        self._whole_from = 0

    def load(self) -> None:
        """Memory begins anew."""
        self.holding.renew()
        self.open.clear()
        self.follow()
        self._settle_days()

    def follow(self) -> None:
        self.until = self._stored_until()
        self._whole_from = self.until or 0
        for growing in self._growing.values():
            growing.clear()

    def under(self, zone: ZoneInfo) -> None:
        """City days begin by this zone from now on; stored ones that began otherwise are made again."""
        if zone.key != self.zone.key:
            self.zone = zone
            self.follow()
            self._settle_days()

    def begin(self, now_ms: int) -> int:
        """The instant from which quarters are open, written down if nobody has. Inside a transaction."""
        if self.until is not None:
            return self.until
        first = now_ms - now_ms % buckets.QUARTER_MS
        self.engine.put("watermark", {"name": ["rolled"], "at": [first]}, "ON CONFLICT (name) DO NOTHING")
        stored = self._stored_until()
        return first if stored is None else stored

    def hold(self, now_ms: int) -> int:
        """The instant from which this batch may be counted in memory, to be closed here. Inside its transaction."""
        since = self.holding.since()
        if since is None:
            since = self.begin(now_ms)
            since = max(since, self._stored_until() or 0)
            self.holding.begin(since)
        return max(since, self.until or 0)

    def mark(self, grain: Grain, bucket: Ints, series: Ints) -> None:
        if len(bucket):
            keys = np.unique(np.stack((bucket, series)), axis=1)
            columns = {"grain": [grain] * keys.shape[1], "bucket": keys[0].tolist(), "series": keys[1].tolist()}
            self.engine.put("dirty", columns, MARKED)

    def close(self, now_ms: int) -> int:
        """Write the quarters that have ended; how many rows. One transaction."""
        until = (now_ms - GRACE_MS) // buckets.QUARTER_MS * buckets.QUARTER_MS
        if self.until is None or until <= self.until:
            return 0
        sums = self.open.closed(until)
        with self.engine.transaction():
            others = self._closing() or self.until
            whole_from = self._whole_from if others == self.until else max(until, others)
            late = sums.bucket < others  # another ingester has closed these, knowing only its own share of them
            self.mark("15m", sums.bucket[late], sums.series[late])
            own = sums.take(~late)
            if len(own):
                self.engine.put_sums("rollup_15m", own)
            grown = {grain: self._end(grain, own, others, until, whole_from) for grain in self._growing}
            self._take_over(others, max(until, others))
            self.engine.run("UPDATE watermark SET at = ? WHERE name = 'rolled' AND at < ?", [until, until])
            self.holding.advance(until)
        self.open.forget(until)
        for grain, rows in grown.items():
            self._growing[grain].add(rows)
            self._growing[grain].forget(self._edge(grain, until))
        self.until, self._whole_from = max(until, others), whole_from
        return len(sums)

    def _take_over(self, before: int, until: int) -> None:
        """Whoever has not closed what was closed before this time is taken for dead."""
        since = self.holding.take_over(before)
        if since is not None:
            log.info("quarters from %d on are made again: who had them in memory has not closed them", since)
            self._mark_all("15m", self.holding.quarters(since, until))

    def mend(self) -> bool:
        """Make one marked bucket again, quarters before hours before days; whether there was one. One transaction."""
        if self.until is None:
            return False
        with self.engine.transaction():
            marks = self.engine.rows(
                "SELECT grain, bucket, series FROM dirty WHERE grain = '15m' AND bucket < ? "
                "OR grain = '1h' AND bucket < ? OR grain = '1d' AND bucket < ? "
                "ORDER BY CASE grain WHEN '15m' THEN 0 WHEN '1h' THEN 1 ELSE 2 END, bucket, series LIMIT ?",
                [self.until, self._edge("1h", self.until), self._edge("1d", self.until), MOST_MARKS],
            )
            if not marks:
                return False
            grain, bucket = cast(Grain, marks[0][0]), int(marks[0][1])
            series = [int(row[2]) for row in marks if row[:2] == marks[0][:2]]
            which, given = self._series(series)
            chosen = [grain, bucket, self.engine.ids(series)]
            self.engine.run(
                f"DELETE FROM dirty WHERE grain = ? AND bucket = ? AND {self.engine.among('series')}", chosen
            )
            sums = self._made_again(grain, bucket, which, given)
            self.engine.run(f"DELETE FROM rollup_{grain} WHERE bucket = ? AND ({which})", [bucket, *given])
            if len(sums):
                self.engine.put_sums(f"rollup_{grain}", sums)
            if grain == "15m":
                for above in self._growing:
                    self.mark(above, np.full(len(series), self._edge(above, bucket)), np.array(series))
        return True

    def _made_again(self, grain: Grain, bucket: int, which: str, given: list[Any]) -> Sums:
        end = buckets.end(bucket, grain, self.zone)
        if grain == "15m":
            columns = "at, series, value, quality"
            sql = f"SELECT {columns} FROM reading WHERE at >= ? AND at < ? AND ({which})"
            found_open = Readings.of_rows(self.engine.rows(sql, [bucket, end, *given]))
            return rollups.of_readings(sealed.joined(found_open, sealed.read(self.engine, which, given, bucket, end)))
        columns = ", ".join(rollups.COLUMNS)
        sql = f"SELECT {columns} FROM rollup_15m WHERE bucket >= ? AND bucket < ? AND ({which})"
        found = self.engine.rows(sql, [bucket, end, *given])
        return rollups.of_rows(found, np.full(len(found), bucket, np.int64))

    def mark_growing(self, sums: Sums, until: int) -> None:
        """Quarters written otherwise than by closing them: whoever has their hour and day in memory knows them not."""
        for grain in self._growing:
            begin = self._edge(grain, until)
            series = sums.series[(sums.bucket >= begin) & (sums.bucket < until)]
            self.mark(grain, np.full(len(series), begin), -1 - series // BLOCK)

    def _end(self, grain: Grain, closed: Sums, before: int, until: int, whole_from: int) -> Sums:
        """Write the buckets that ended in (before, until], or mark them; the closed quarters as part of theirs."""
        stored = rollups.as_stored(closed)
        fresh = rollups.into(stored, buckets.floor(stored.bucket, grain, self.zone))
        edge = self._edge(grain, until)
        ended = rollups.gather(rollups.joined([self._growing[grain].closed(edge), fresh.take(fresh.bucket < edge)]))
        ended = ended.take(ended.bucket >= whole_from)
        if len(ended):
            self.engine.put_sums(f"rollup_{grain}", ended)
        self._mark_ended(grain, before, until, whole_from)
        return fresh

    def _mark_ended(self, grain: Grain, before: int, until: int, whole_from: int) -> None:
        """All series in each bucket that ended in (before, until] and began before `whole_from`."""
        first = self._edge(grain, before - 1)
        starts = buckets.starts(first, min(until, whole_from), grain, self.zone)
        ended = [start for start in starts.tolist() if before < buckets.end(start, grain, self.zone) <= until]
        self._mark_all(grain, np.array(ended, np.int64))

    def _settle_days(self) -> None:
        """Where the stored days began by another zone: mark the new ones, as far back as there are quarters."""
        name = DAYS + self.zone.key
        with self.engine.transaction():
            others = self.engine.rows("SELECT name FROM watermark WHERE name LIKE ? AND name <> ?", [DAYS + "%", name])
            self.engine.put("watermark", {"name": [name], "at": [0]}, "ON CONFLICT (name) DO NOTHING")
            first = self.engine.rows("SELECT min(bucket) FROM rollup_15m")[0][0] if others else None
            for (other,) in others:
                self.engine.run("DELETE FROM watermark WHERE name = ?", [other])
            if first is not None and self.until is not None:
                days = buckets.starts(self._edge("1d", int(first)), self.until, "1d", self.zone)
                kept = f"bucket >= ? AND NOT ({self.engine.among('bucket')})"
                self.engine.run(f"DELETE FROM rollup_1d WHERE {kept}", [int(days[0]), self.engine.ids(days.tolist())])
                self._mark_all("1d", days)

    def _mark_all(self, grain: Grain, starts: Ints) -> None:
        """All series in these buckets."""
        if len(starts):
            largest = self.engine.rows("SELECT max(series) FROM latest")[0][0] or 0
            blocks = -np.arange(1, int(largest) // BLOCK + 2)
            self.mark(grain, np.repeat(starts, len(blocks)), np.tile(blocks, len(starts)))

    def _edge(self, grain: Grain, until: int) -> int:
        """The start of the bucket `until` falls in: those before it have ended."""
        return int(buckets.floor(np.array([until]), grain, self.zone)[0])

    def _series(self, series: list[int]) -> tuple[str, list[Any]]:
        """A condition, and its parameters, for what these marks stand for."""
        condition, given = self.engine.among("series"), [self.engine.ids(number for number in series if number >= 0)]
        for block in (-number - 1 for number in series if number < 0):
            condition += " OR series >= ? AND series < ?"
            given += [block * BLOCK, (block + 1) * BLOCK]
        return condition, given

    def _closing(self) -> int | None:
        """The stored watermark, which nobody else moves before we commit."""
        found = self.engine.rows("UPDATE watermark SET at = at WHERE name = 'rolled' RETURNING at")
        return int(found[0][0]) if found else None

    def _stored_until(self) -> int | None:
        found = self.engine.rows("SELECT at FROM watermark WHERE name = 'rolled'")
        return int(found[0][0]) if found else None
