# SPDX-License-Identifier: Apache-2.0
"""What the store of a stopped city holds, read into columns the judge can compare.

    python -m benchmarks.chaos.holdings FILE.npz MS

is run beside the stopped city: it closes what rollups are open at that instant (0: in an hour), asks the databases
whether they are whole, and writes all rows, open and sealed, as they lie in the tables.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.chaos.history import METRICS, Ints, Rows
from benchmarks.chaos.judge import Quarters
from benchmarks.chaos.provision import FIRST

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
SLAB: Final = 1_000_000
GRAINS: Final = ("15m", "1h", "1d")


@dataclass(frozen=True, slots=True)
class Holdings:
    """`quality` goes with `readings`, of which the last `sealed` come from sealed days; `runs` are the ledgers by run;
    `aside` counts rows in quarantine, and `faults` say what the database finds wrong with itself."""

    readings: Rows
    quality: Ints
    latest: Rows
    quarters: Quarters
    runs: Mapping[str, Mapping[str, int]]
    aside: int
    faults: list[str]
    rollups: Mapping[str, Any]
    sealed: int


def read(environment: Mapping[str, str], file: Path, now_ms: int = 0) -> Holdings:
    """Of the city these variables lead to, at an instant of its own time if that is not ours."""
    command = [sys.executable, "-m", "benchmarks.chaos.holdings", str(file), str(now_ms)]
    subprocess.run(command, env=dict(environment), check=True)
    with np.load(file, allow_pickle=False) as found:
        columns = {name: found[name] for name in found.files}
    runs: dict[str, dict[str, int]] = {}
    for run, name, n in zip(columns["run"].tolist(), columns["name"].tolist(), columns["n"].tolist(), strict=True):
        runs.setdefault(run, {})[name] = n
    rollups = {grain: columns[grain] for grain in GRAINS}
    return Holdings(
        Rows(columns["series"], columns["at"], columns["value"]),
        columns["quality"],
        Rows(columns["latest_series"], columns["latest_at"], columns["latest_value"]),
        _quarters(columns["15m"]),
        runs,
        int(columns["aside"]),
        columns["faults"].tolist(),
        rollups,
        int(columns["sealed"]),
    )


def _quarters(table: np.ndarray[Any, Any]) -> Quarters:
    """Stored rows leave low, high and last out where one value says it all."""
    bucket, series, n, _, total, low, high, last = (table[:, k] for k in range(8))
    low, high, last = (np.where(np.isnan(column), total, column) for column in (low, high, last))
    return Quarters(bucket.astype(np.int64), series.astype(np.int64), n.astype(np.int64), total, low, high, last)


def write(file: Path, now_ms: int) -> None:
    """In a process of the product's own, while no other writes."""
    from smartcity.kernel.clock import wall_ms
    from smartcity.telemetry.store import Store

    store = Store()
    store.close_quarters(now_ms or wall_ms() + HOUR_MS)
    store.mend_all()
    numbers = _numbers()
    series, at, value, quality = _readings(store.engine)
    latest = np.array(store.engine.rows("SELECT series, at, value FROM latest"), np.float64).reshape(-1, 3)
    tallies = store.engine.rows("SELECT run, name, n FROM tally") or [("", "", 0)]
    run, name, n = zip(*tallies, strict=True)
    columns = {
        "series": _numbered(series, numbers), "at": at, "value": value, "quality": quality,
        "latest_series": _numbered(latest[:, 0].astype(np.int64), numbers),
        "latest_at": latest[:, 1].astype(np.int64), "latest_value": latest[:, 2],
        "run": np.array(run), "name": np.array(name), "n": np.array(n, np.int64),
        "sealed": np.array(store.engine.rows("SELECT coalesce(sum(n), 0) FROM sealed")[0][0], np.int64),
        "aside": np.array(store.engine.rows("SELECT count(*) FROM quarantine")[0][0]),
        "faults": np.array(_faults(), np.str_),
    }  # fmt: skip
    for grain in GRAINS:
        rows = store.engine.rows(
            f"SELECT bucket, series, n, n_good, total, low, high, last FROM rollup_{grain} ORDER BY 1, 2"
        )
        table = np.array(rows, np.float64).reshape(-1, 8)
        table[:, 1] = _numbered(table[:, 1].astype(np.int64), numbers)
        columns[grain] = table[np.lexsort((table[:, 1], table[:, 0]))]
    store.close()
    np.savez(file, allow_pickle=False, **columns)


def _readings(engine: Any) -> tuple[Ints, Ints, np.ndarray[Any, Any], Ints]:
    """Every row, a key as often as it is held."""
    from smartcity.telemetry import packing

    parts = [np.empty((0, 4)), *_slabs(engine)]
    for series, day, packed in engine.rows("SELECT series, day, packed FROM sealed"):
        opened = packing.unpack(bytes(packed))
        at = opened.at + day * DAY_MS
        parts.append(np.column_stack([np.full(len(at), series), at, opened.value, opened.quality]))
    whole = np.concatenate(parts)
    return whole[:, 0].astype(np.int64), whole[:, 1].astype(np.int64), whole[:, 2], whole[:, 3].astype(np.int64)


def _slabs(engine: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The open rows, about a million at a time where they lie evenly: as Python objects they take far more room."""
    many, first, last = engine.rows("SELECT count(*), min(at), max(at) FROM reading")[0]
    if not many:
        return
    edges = np.linspace(first, last + 1, many // SLAB + 2).astype(np.int64).tolist()
    for begins, ends in itertools.pairwise(edges):
        rows = engine.rows("SELECT series, at, value, quality FROM reading WHERE at >= ? AND at < ?", [begins, ends])
        yield np.array(rows, np.float64).reshape(-1, 4)


def _numbers() -> dict[int, int]:
    """Series id → the number the devices' log gives it."""
    from smartcity.devices.models import Series

    rows = Series.objects.filter(device__uid__startswith=FIRST).values_list("pk", "device__uid", "metric")
    return {pk: int(name[len(FIRST) :]) * len(METRICS) + METRICS.index(metric) for pk, name, metric in rows}


def _numbered(series: Ints, numbers: Mapping[int, int]) -> Ints:
    found, place = np.unique(series, return_inverse=True)
    return np.array([numbers[number] for number in found.tolist()], np.int64)[place]


def _faults() -> list[str]:
    """What the databases find wrong with themselves when asked to read all they hold."""
    from django.db import connections

    return [f"{alias}: {word}" for alias in connections for word in _asked(connections[alias])]


def _asked(connection: Any) -> list[str]:
    """PRAGMA integrity_check on SQLite; amcheck on PostgreSQL, tables and B-trees, each row looked up in its index."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA integrity_check")
            return [word for (word,) in cursor.fetchall() if word != "ok"]
        cursor.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        cursor.execute(
            "SELECT c.oid::regclass::text, v.msg FROM pg_class c CROSS JOIN LATERAL verify_heapam(c.oid) v "
            "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        )
        found = [f"{table}: {word}" for table, word in cursor.fetchall()]
        cursor.execute(
            "SELECT bt_index_check(c.oid, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam "
            "WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace"
        )
        return found


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcity.settings")
    import django

    django.setup()
    write(Path(sys.argv[1]), int(sys.argv[2]))
