# SPDX-License-Identifier: Apache-2.0
"""Readings of a span, open and sealed, into a file, a UTC day at a time; who took what is in the audit."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction

from smartcity import declared
from smartcity.api.audit import Actor, record
from smartcity.api.views import moment
from smartcity.devices import time_zone
from smartcity.devices.models import Series
from smartcity.kernel.clock import clock
from smartcity.kernel.metrics import DataClass, Metric
from smartcity.telemetry import packing, read, sealed
from smartcity.telemetry.arrays import Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.buckets import HOUR_MS, UTC_DAY_MS
from smartcity.telemetry.csv_form import CsvWriter
from smartcity.telemetry.engines import Engine, connect
from smartcity.telemetry.headway import Progress
from smartcity.telemetry.parquet_form import ParquetWriter
from smartcity.telemetry.portable import AT_ONCE, BadFile, Chunk, Named, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """[from_ms, to_ms) of the series that all of these name; what is empty names all."""

    from_ms: int
    to_ms: int
    series: Sequence[int] = ()
    domain: str = ""
    metric: str = ""
    zone: str = ""
    personal: bool = False


@dataclass(slots=True)
class Taken:
    """`personal` and `undeclared` are metrics that were left out."""

    rows: int = 0
    series: int = 0
    personal: set[str] = field(default_factory=set)
    undeclared: set[str] = field(default_factory=set)


def export(
    wanted: Selection, path: Path, form: str, by: Actor, *, reason: str = "", progress: Progress, replace: bool = False
) -> Taken:
    """Write the file in one step or not at all. Raises BadFile, and Unavailable where the store cannot be read."""
    if path.exists() and not replace:
        raise BadFile(f"{path} is there already; name another file, or say --replace.")
    taken, engine = Taken(), connect(read.ALIAS)
    names = chosen(wanted, taken)
    try:
        with _beside(path) as part:
            _write(engine, wanted, names, part, form, taken, progress)
            with transaction.atomic():
                asked = {name: getattr(wanted, name) for name in ("series", "domain", "metric", "zone", "personal")}
                span = {"from": moment(wanted.from_ms), "to": moment(wanted.to_ms)}
                after = (
                    span | asked | {"format": form, "rows": taken.rows, "metrics": sorted({n.metric for n in names})}
                )
                record(by, "export readings", f"file {path.name}", after=after, reason=reason)
            os.replace(part, path)  # last: no file without its entry
    except OSError as problem:
        raise BadFile(f"{path} cannot be written ({problem.strerror or problem}).") from None
    finally:
        engine.close()
    return taken


def chosen(wanted: Selection, taken: Taken) -> list[Named]:
    """The series meant, by id. Two queries. Raises BadFile where one is named that is not there or may not be taken."""
    metrics = declared.metrics()
    asked = {
        "pk__in": list(wanted.series), "device__asset__domain": wanted.domain, "metric": wanted.metric,
        "device__asset__zone__code": wanted.zone,
    }  # fmt: skip
    rows = Series.objects.filter(**{name: value for name, value in asked.items() if value})
    columns = ("pk", "device__uid", "metric", "device__simulated")
    found = list(rows.order_by("pk").values_list(*columns))
    missing = set(wanted.series) - {row[0] for row in found}
    if missing:
        raise BadFile(f"There is no series {min(missing)} in what was chosen.")
    names = [Named(uid, name, _unit(metrics.get(name)), simulated, pk) for pk, uid, name, simulated in found]
    taken.undeclared = {one.metric for one in names if one.metric not in metrics}
    personal = {one.metric for one in names if _is_personal(metrics.get(one.metric))}
    if personal and not wanted.personal and (wanted.series or wanted.metric):
        raise BadFile(f"{min(personal)} is personal data: say --personal and the --reason it is taken for.")
    taken.personal = personal if not wanted.personal else set()
    names = [one for one in names if one.metric not in taken.undeclared | taken.personal]
    if not names:
        raise BadFile("There is no series in what was chosen.")
    taken.series = len(names)
    return names


def readings_of_day(engine: Engine, day: int, ids: Ints, from_ms: int, to_ms: int) -> Readings:
    """Of these series on one UTC day within [from_ms, to_ms), ordered by (at, series), with their delays.

    Open ones are asked for first: what is sealed meanwhile is then found packed.
    """
    condition, given = engine.among("series"), engine.ids(ids.tolist())
    start, end = max(from_ms, day * UTC_DAY_MS), min(to_ms, (day + 1) * UTC_DAY_MS)
    parts = []
    for hour in range(start, end, HOUR_MS):
        sql = f"SELECT at, series, value, quality, delay_s FROM reading WHERE at >= ? AND at < ? AND {condition}"
        parts.append(Readings.of_rows(engine.rows(sql, [hour, min(end, hour + HOUR_MS), given])))
    sql = f"SELECT series, packed FROM sealed WHERE day = ? AND {condition}"
    packed = [_opened(day, series, bytes(data)) for series, data in engine.rows(sql, [day, given])]
    found = sealed.joined(Readings.of_parts(packed), Readings.of_parts(parts))
    return sealed.within(found.take(np.lexsort((found.series, found.at))), start, end)


def _write(
    engine: Engine, wanted: Selection, names: list[Named], part: Path, form: str, taken: Taken, progress: Progress
) -> None:
    ids = np.array([one.series for one in names], np.int64)
    days = range(wanted.from_ms // UTC_DAY_MS, (wanted.to_ms - 1) // UTC_DAY_MS + 1)
    with part.open("wb") as file:
        writer = _writer(form, file, time_zone.city_zone())
        for done, day in enumerate(days, 1):
            rows = readings_of_day(engine, day, ids, wanted.from_ms, wanted.to_ms)
            for start in range(0, len(rows), AT_ONCE):
                some = rows.take(np.arange(start, min(start + AT_ONCE, len(rows))))
                place = np.searchsorted(ids, some.series)
                writer.write(Chunk(names, place, some.at, some.value, some.quality, some.delay_s))
                taken.rows += len(some)
                progress(taken.rows, (done - 1) / len(days))
            progress(taken.rows, done / len(days))
        writer.close()
        file.flush()
        os.fsync(file.fileno())
    progress(taken.rows, 1.0)  # a signal that came by now still breaks off


def _writer(form: str, file: Any, zone: ZoneInfo) -> Writer:
    if form == "parquet":
        return ParquetWriter(file, zone, {"smartcity.mode": clock.mode})
    return CsvWriter(io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True), zone)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A file beside the goal, for nobody else to read, that is gone whatever happens; rename it when it is whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _opened(day: int, series: int, data: bytes) -> Readings:
    found = packing.unpack(data)
    at = found.at + day * UTC_DAY_MS
    return Readings(at, np.full(len(at), series), found.value, found.quality, at + found.delay_s * 1000)


def _unit(metric: Metric | None) -> str:
    return metric.unit if metric else ""


def _is_personal(metric: Metric | None) -> bool:
    return metric is not None and metric.data_class is DataClass.PERSONAL
