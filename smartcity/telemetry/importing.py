# SPDX-License-Identifier: Apache-2.0
"""Readings out of a file into the store: the whole file is looked at first; what is there already changes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from django.db import transaction

from smartcity import declared
from smartcity.api.audit import Actor, record
from smartcity.devices.models import Series
from smartcity.kernel.quality import Quality
from smartcity.telemetry.arrays import Ints
from smartcity.telemetry.batch import Batch, Readings
from smartcity.telemetry.csv_form import CsvReader
from smartcity.telemetry.headway import Progress
from smartcity.telemetry.parquet_form import ParquetReader
from smartcity.telemetry.portable import BadFile, Chunk, Named, Reader
from smartcity.telemetry.store import Store

QUALITIES = np.array([int(quality) for quality in Quality], np.int64)
AHEAD_MS = 600_000  # what the road takes too
SHOWN = 20


class Unknown(BadFile):
    """The file holds series this city does not have; nothing was imported."""


@dataclass(slots=True)
class Found:
    """What a first reading of the file says; `unknown` counts the rows of each series that has no place here."""

    rows: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    unknown: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Imported:
    """rows = stored + duplicate + conflicting + not kept + left out (of series that have no place here)."""

    rows: int = 0
    stored: int = 0
    duplicate: int = 0
    conflicting: int = 0
    not_kept: int = 0
    left_out: int = 0


class Places:
    """The id of each series a file names, or why it has none. One query."""

    def __init__(self) -> None:
        columns = Series.objects.values_list("device__uid", "metric", "pk")
        self._known = {(device, metric): pk for device, metric, pk in columns}

    def fault(self, named: Named) -> str:
        metric = declared.metrics().get(named.metric)
        if (named.device, named.metric) not in self._known or metric is None:
            return "is not in this city"
        if metric.unit != named.unit:
            return f"is in {metric.unit!r} here and in {named.unit!r} in the file"
        return ""

    def ids(self, names: list[Named]) -> Ints:
        """-1 where there is none."""
        found = [self._known.get((one.device, one.metric), -1) if not self.fault(one) else -1 for one in names]
        return np.array(found, np.int64)


def reader(path: Path) -> Reader:
    """Told by the first bytes, not by the name. Raises BadFile."""
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == b"PAR1"
    except OSError as problem:
        raise BadFile(f"{path} cannot be read ({problem.strerror}).") from None
    return ParquetReader(path) if is_parquet else CsvReader(path)


def look(source: Reader, places: Places, now_ms: int, progress: Progress) -> Found:
    """Read the whole file and write nothing. Raises BadFile for a row that can be no reading."""
    found = Found()
    for chunk in source.chunks():
        _check(chunk, now_ms)
        many = np.bincount(chunk.name, minlength=len(chunk.names))
        for place in np.flatnonzero(many).tolist():
            if why := places.fault(chunk.names[place]):
                named = chunk.names[place]
                found.unknown[f"{named.device} {named.metric} {why}"] += int(many[place])
        found.rows += len(chunk)
        ends = [int(chunk.at.min()), int(chunk.at.max())]
        found.first_ms = min(ends[0], ends[0] if found.first_ms is None else found.first_ms)
        found.last_ms = max(ends[1], ends[1] if found.last_ms is None else found.last_ms)
        progress(found.rows, found.rows / source.rows if source.rows else 0.0)
    return found


def refuse_unknown(found: Found) -> None:
    """Raises Unknown, which names them."""
    if found.unknown:
        lines = [f"  {named}: {rows:,} rows" for named, rows in found.unknown.most_common(SHOWN)]
        more = [f"  and {len(found.unknown) - SHOWN:,} more"] if len(found.unknown) > SHOWN else []
        head = f"Nothing was imported: {len(found.unknown):,} series of the file have no place in this city."
        tail = "Set them up (manage.py provision), or say --skip-unknown to leave their rows out."
        raise Unknown("\n".join([head, *lines, *more, tail]))


def write(
    source: Reader, places: Places, store: Store, told: Imported, found: Found, now_ms: int, progress: Progress
) -> None:
    """Counts into `told`, so that it is known how far it came whatever happens. Raises Unavailable."""
    for chunk in source.chunks():
        rows = _readings(chunk, places)
        written = store.write(Batch(now_ms=now_ms, readings=rows))
        told.rows += len(chunk)
        told.left_out += len(chunk) - len(rows)
        told.stored += written.stored
        told.duplicate += written.duplicate
        told.conflicting += written.conflicting
        told.not_kept += written.not_kept
        progress(told.rows, told.rows / max(found.rows, 1))


def write_down(path: Path, told: Imported, found: Found, by: Actor, reason: str) -> None:
    """The audit entry, of an import that was broken off too."""
    counts = {name: getattr(told, name) for name in Imported.__slots__}
    after = counts | {"rows_in_file": found.rows, "from_ms": found.first_ms, "to_ms": found.last_ms}
    with transaction.atomic():
        record(by, "import readings", f"file {path.name}", after=after, reason=reason)


def _check(chunk: Chunk, now_ms: int) -> None:
    faults = (
        (~np.isfinite(chunk.value), "value is not finite"),
        (~np.isin(chunk.quality, QUALITIES), "quality is no code of this city (docs/reference/device-interface.md)"),
        ((chunk.at < 0) | (chunk.at > now_ms + AHEAD_MS), "at_utc is before 1970 or in this city's future"),
        (np.abs(chunk.delay_s) >= 2**31, "delay_s is longer than any delay"),
    )
    for wrong, why in faults:
        if wrong.any():
            raise BadFile(f"Nothing was imported: in row {chunk.first_row + int(np.argmax(wrong))} {why}.")


def _readings(chunk: Chunk, places: Places) -> Readings:
    series = places.ids(list(chunk.names))[chunk.name]
    rows = Readings(chunk.at, series, chunk.value, chunk.quality, chunk.at + chunk.delay_s * 1000)
    return rows.take(series >= 0)
