# SPDX-License-Identifier: Apache-2.0
"""Sealed history: how many bytes a reading takes, on real series, and how soon a series-year is back."""

from __future__ import annotations

import time
import zlib
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from django.core.management import call_command

from benchmarks.ingest import series
from benchmarks.ingest.series import Series
from smartcity.telemetry import packing, sealed
from smartcity.telemetry.engines import connect
from smartcity.telemetry.packing import Day

QUARTER_MS: Final = 900_000
SERIES: Final = 50
YEAR: Final = 365 * 96


def sizes(data: Path) -> dict[str, float | str]:
    """Of each group of series and of them all. A day is packed as sealing packs it: all columns, to the bit."""
    found: dict[str, float | str] = {}
    total_bytes = total = 0
    for source in series.SOURCES:
        packed = n = 0
        for one in series.read(data, source):
            packed += sum(len(body) for _, body in sealed_days(one))
            n += len(one.at)
        if n:
            found[f"sealed_{source.group}_bytes_per_reading"] = round(packed / n, 3)
        total_bytes, total = total_bytes + packed, total + n
    if not total:
        return {"sealed_bytes_per_reading": "not measured: the public series are not on this machine"}
    return found | {"sealed_readings": total, "sealed_bytes_per_reading": round(total_bytes / total, 3)}


def sealed_days(one: Series) -> list[tuple[int, bytes]]:
    """(day, packed) of each day, good readings heard within a second."""
    found = []
    for day, span in series.days(one):
        at = one.at[span] - day * 86_400_000
        nothing = np.zeros(len(at), np.int64)
        found.append((day, packing.pack(Day(at, one.value[span], nothing, nothing))))
    return found


def quarters(data: Path) -> Series:
    """A year and more of readings a quarter apart: the values of the grid's half hours, or a random walk without it."""
    source = next(source for source in series.SOURCES if source.group == "grid_halfhourly")
    found = series.read(data, source)
    if found:
        value = found[0].value
    else:
        value = (5000 + np.random.default_rng(1).normal(0, 30, YEAR).cumsum()).round(1)
    return Series(np.arange(len(value)) * QUARTER_MS, value)


def year_back(data: Path, seconds: float) -> dict[str, float | str]:
    """From a warm SQLite table among fifty series, as who forecasts reads it; beside it inflating the same bytes and
    nothing else, which is the limit of any such format."""
    call_command("migrate", "telemetry", database="telemetry", verbosity=0)
    engine = connect("telemetry")
    one = quarters(data)
    days = sealed_days(one)
    for number in range(1, SERIES + 1):
        columns: dict[str, list[Any]] = {
            "series": [number] * len(days), "day": [day for day, _ in days],
            "n": [96] * len(days), "packed": [body for _, body in days],
        }  # fmt: skip
        with engine.transaction():
            engine.put("sealed", columns)
    bodies = [msgspec.msgpack.decode(body)[-1] for _, body in days[:365]]
    took: list[tuple[float, float]] = []
    limit: list[float] = []
    until = time.monotonic() + min(seconds, 5)
    while time.monotonic() < until:
        began = time.perf_counter(), time.process_time()
        rows = sealed.read(engine, "series = ?", [1 + len(took) % SERIES], 0, YEAR * QUARTER_MS)
        took.append((time.perf_counter() - began[0], time.process_time() - began[1]))
        assert len(rows) == YEAR and (rows.value == one.value[:YEAR]).all()
        start = time.process_time()
        for body in bodies:
            zlib.decompress(body, -15)
        limit.append(time.process_time() - start)
    engine.close()
    wall, cpu = (np.array(column) * 1000 for column in zip(*took, strict=True))
    return {
        "sealed_series_year_ms": round(float(np.median(wall)), 3),
        "sealed_series_year_p90_ms": round(float(np.quantile(wall, 0.9)), 3),
        "sealed_series_year_cpu_ms": round(float(np.median(cpu)), 3),
        "sealed_series_year_inflate_alone_cpu_ms": round(float(np.median(limit)) * 1000, 3),
    }
