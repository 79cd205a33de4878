# SPDX-License-Identifier: Apache-2.0
"""From devices with MQTT QoS 1 to committed rows, acknowledged after the commit, beside text COPY of the same rows.

Counted is the CPU of the road's process and of the whole database server; the devices' is told only. The limit is text
encoded beforehand, 5,000 rows a commit, into a table of the same columns without key, index or partitions.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.chaos.provision import prepare, provision
from benchmarks.ingest import cpu
from benchmarks.store import engine as bench
from smartcity.telemetry.engines import connect
from smartcity.telemetry.postgres import Postgres
from tests.servers import free_port

DEVICES: Final = 200
ROUNDS: Final = 2
AT_ONCE: Final = 5_000
Found = dict[str, float | str]
GUESSED: Final = {1: 16_000, 10: 8_000, 50: 3_000}  # messages a second, to make runs about as long as asked for
RATE: Final = 500
RATE_EACH: Final = 4
COLUMNS: Final = "at, series, value, quality, delay_s"
COPY: Final = f"COPY raw_limit ({COLUMNS}) FROM STDIN"
LIMIT_CPU_S: Final = 0.5


@contextmanager
def child(*command: str) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(
        [sys.executable, "-m", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@contextmanager
def road(*doors: str) -> Iterator[tuple[int, int]]:
    """The port and the process id of a road that takes readings, with further doors."""
    port = free_port()
    with child("benchmarks.ingest.road", str(port), *doors) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        yield port, running.pid


def published(port: int, pid: int, messages: int, each: int, rate: int = 0, certificate: str = "") -> dict[str, float]:
    """What the devices tell, and `counted_cpu_s`."""
    return told_by_devices(lambda: bench.cpu_s() + cpu.used_s(pid), port, DEVICES, messages, each, rate, certificate)


def told_by_devices(
    spent_s: Callable[[], float], port: int, many: int, messages: int, *more: object, settle_s: float = 0
) -> dict[str, float]:
    """What the devices tell, and `counted_cpu_s` by this meter, until so long after the last acknowledgement; `more` as
    the publisher takes it."""
    with child("benchmarks.ingest.publisher", *map(str, (port, many, messages, *more))) as devices:
        assert devices.stdin and devices.stdout
        assert devices.stdout.readline() == "connected\n"
        began = spent_s()
        devices.stdin.write("go\n")
        devices.stdin.flush()
        told: dict[str, float] = json.loads(devices.stdout.readline())
        time.sleep(settle_s)
        told["counted_cpu_s"] = spent_s() - began
    assert told["acknowledged"] == messages and not told["refused"], told
    return told


def copied(engine: Postgres, rows: list[tuple[Any, ...]]) -> tuple[float, float]:
    """CPU and wall seconds of the limit: the mean of as many passes as it takes to be told from a clock tick."""
    texts = [
        "".join("\t".join(map(str, row)) + "\n" for row in rows[n : n + AT_ONCE]).encode()
        for n in range(0, len(rows), AT_ONCE)
    ]
    cpu, wall, passes = bench.cpu_s(), time.monotonic(), 0
    while not passes or bench.cpu_s() - cpu < LIMIT_CPU_S:
        for text in texts:
            with engine.transaction(), engine.connection.cursor().copy(COPY) as copy:
                copy.write(text)
        passes += 1
    return (bench.cpu_s() - cpu) / passes, (time.monotonic() - wall) / passes


@dataclass(frozen=True, slots=True)
class Way:
    """A door of the road; `certificate` is what devices trust, '' in the clear."""

    name: str
    port: int
    certificate: str = ""


def beside_copy(engine: Postgres, ways: Sequence[Way], pid: int, each: int, seconds: float) -> Found:
    """The ways and the limit in turn, twice."""
    messages = round(GUESSED[each] * seconds / ROUNDS / DEVICES + 0.5) * DEVICES
    told: dict[Way, list[dict[str, float]]] = {way: [] for way in ways}
    limits: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        for way in ways:
            engine.run("TRUNCATE reading, raw_limit")
            told[way].append(published(way.port, pid, messages, each, 0, way.certificate))
        rows = engine.rows(f"SELECT {COLUMNS} FROM reading ORDER BY at, series")
        assert len(rows) == messages * each, (len(rows), messages * each)
        limits.append(copied(engine, rows))
    limit_cpu, limit_wall = (sum(column) for column in zip(*limits, strict=True))
    total = ROUNDS * messages * each
    return {
        f"{ways[0].name}_{each}_rows": total,
        f"{ways[0].name}_{each}_copy_rows_per_cpu_s": round(total / limit_cpu, 1),
        f"{ways[0].name}_{each}_copy_rows_per_s": round(total / limit_wall, 1),
    } | {
        f"{way.name}_{each}_{name}": value
        for way in ways
        for name, value in figures(told[way], total, each, limit_cpu, limit_wall).items()
    }


def figures(
    told: Sequence[Mapping[str, float]], total: int, each: int, limit_cpu: float, limit_wall: float
) -> dict[str, float]:
    spent, wall, devices = (sum(one[name] for one in told) for name in ("counted_cpu_s", "wall_s", "cpu_s"))
    return {
        "rows_per_cpu_s": round(total / spent, 1),
        "rows_per_s": round(total / wall, 1),
        "messages_per_cpu_s": round(total / each / spent, 1),
        "devices_cpu_s": round(devices, 2),
        "cpu_ratio": round(limit_cpu / spent, 3),
        "wall_ratio": round(limit_wall / wall, 3),
    }


@contextmanager
def table() -> Iterator[Postgres]:
    """A prepared city's store, with the table of the limit in it."""
    prepare()
    provision(DEVICES, DEVICES)
    engine = connect("telemetry")
    assert isinstance(engine, Postgres)
    engine.run("CREATE TABLE raw_limit (at bigint, series integer, value float8, quality smallint, delay_s integer)")
    yield engine
    engine.close()


def measured(seconds: float) -> Found:
    found: Found = {}
    with table() as engine, road() as (port, pid):
        published(port, pid, DEVICES, 1)  # the first batch makes tables and reads what was there
        for each in (50, 1):
            found |= beside_copy(engine, [Way("mqtt", port)], pid, each, seconds)
        messages = round(RATE * max(seconds, 4) / DEVICES) * DEVICES
        told = published(port, pid, messages, RATE_EACH, RATE)
    return found | {
        "commit_messages_per_s": round(messages / told["wall_s"], 1),
        "commit_cpu_share": round(told["counted_cpu_s"] / told["wall_s"], 3),
        "commit_p50_ms": round(told["p50_ms"], 2),
        "commit_p99_ms": round(told["p99_ms"], 2),
    }
