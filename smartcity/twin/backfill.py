# SPDX-License-Identifier: Apache-2.0
"""Writes the history of all simulated devices into the store: through their codecs, checked, in bulk. Uses Django.

The street's half (profiles, payloads, decoding) runs in a process of its own, which holds no database.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from django.conf import settings

from smartcity.devices import time_zone
from smartcity.devices.models import Series
from smartcity.kernel.clock import clock
from smartcity.telemetry import book as books
from smartcity.telemetry import buckets
from smartcity.telemetry.book import Book
from smartcity.telemetry.store import Store
from smartcity.twin import history
from smartcity.twin import street as streets
from smartcity.twin.history import BadHistory, Slab

DAYS = 56.0
DAY_MS = 86_400_000
DAYS_A_SLAB = 7
QUARTER_MS = 900_000
Progress = Callable[[float, str], None]


@dataclass(slots=True)
class Report:
    """`absurd`: readings outside their metric's range, left out; `unknown`: devices x metrics the city does not have.

    `stored` are raw readings; of days past their metric's retention only the rollups are written.
    """

    days: float
    readings: int = 0
    stored: int = 0
    series: int = 0
    absurd: int = 0
    unknown: int = 0
    began: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0

    def words(self) -> str:
        said = f"{self.readings:,} readings of {self.series:,} series over {self.days:.0f} days in {self.seconds:.0f} s"
        if self.absurd:
            said += f"; {self.absurd:,} outside their metric's range were left out"
        return said + (f"; {self.unknown:,} series are not in this city" if self.unknown else "") + "."


def backfill(
    now_ms: int | None = None,
    *,
    days: float = DAYS,
    path: Path | None = None,
    only: Sequence[str] = (),
    store: Store | None = None,
    progress: Progress = lambda share, words: None,
) -> Report:
    """Everything up to the last full quarter before `now_ms` (default: city time). Doing it again is harmless.

    `progress(share 0..1, words)` is called after every city week. Raises BadStreet where there is no street.
    """
    path = path or Path(settings.VAR) / "street.json"
    streets.read(path)
    now_ms = clock.now_ms() if now_ms is None else now_ms
    report, edges = Report(days), spans(now_ms, days)
    known = {(uid, metric): pk for uid, metric, pk in Series.objects.values_list("device__uid", "metric", "pk")}
    book, own = books.load(), store or Store()
    progress(0.0, "working out the weeks before today")
    try:
        for end, slab in zip(edges[1:], _imagined(path, edges, only), strict=False):
            _write(own, slab, known, book, report, now_ms)
            done = (end - edges[0]) / DAY_MS
            progress(done / days, f"{done:.0f} of {days:.0f} days, {report.readings:,} readings")
    finally:
        if store is None:
            own.close()
    report.seconds = time.perf_counter() - report.began
    return report


def spans(now_ms: int, days: float) -> list[int]:
    """Edges of whole city weeks, as the store takes them fastest, from `days` ago to the last full quarter."""
    end = now_ms - now_ms % QUARTER_MS
    start = end - round(days * DAY_MS)
    midnights = buckets.starts(start, end, "1d", time_zone.city_zone()).tolist()[::DAYS_A_SLAB]
    return sorted({start, *(at for at in midnights if at > start), end})


def _write(
    store: Store, slab: Slab, known: Mapping[tuple[str, str], int], book: Book, report: Report, now_ms: int
) -> None:
    rows = [row for row, key in enumerate(slab.keys) if key in known]
    report.series, report.unknown = len(rows), len(slab.keys) - len(rows)
    series = np.array([known[slab.keys[row]] for row in rows], np.int64)
    values = slab.values[rows].copy()
    place = book.rows(series)
    with np.errstate(invalid="ignore"):
        absurd = (values < book.low[place][:, None]) | (values > book.high[place][:, None])
    values[absurd] = np.nan
    report.absurd += int(absurd.sum())
    report.readings += int(np.isfinite(values).sum())
    # column by column, so that rows arrive in the order they are stored in
    at, who = np.repeat(slab.times_ms, len(series)), np.tile(series, len(slab.times_ms))
    report.stored += store.bulk(who, at, values.T.ravel(), now_ms=now_ms).stored


def _imagined(path: Path, edges: Sequence[int], only: Sequence[str]) -> Iterator[Slab]:
    """Slabs from a process of its own, which is one ahead: imagining and storing share the work of two cores."""
    fresh = multiprocessing.get_context("spawn")
    ours, theirs = fresh.Pipe(duplex=False)
    worker = fresh.Process(target=history.serve, args=(theirs, path, list(edges), list(only)), daemon=True)
    worker.start()
    theirs.close()
    try:
        while (found := ours.recv()) is not None:
            if isinstance(found, str):
                raise BadHistory(found)
            yield found
    except EOFError:
        raise BadHistory("the process that works out the history has ended early") from None
    finally:
        ours.close()
        worker.terminate()
        worker.join()
