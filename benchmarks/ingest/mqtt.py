# SPDX-License-Identifier: Apache-2.0
"""From devices with MQTT QoS 1 to committed rows, acknowledged after the commit, beside text COPY of the same rows.

Counted is the CPU of the road's process and of the whole database server; the devices' is told only. The limit is text
encoded beforehand, 5,000 rows a commit, into a table of the same columns without key, index or partitions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from benchmarks.chaos.provision import prepare, provision
from benchmarks.store import engine as bench
from smartcity.telemetry.engines import connect
from smartcity.telemetry.postgres import Postgres
from tests.servers import free_port

DEVICES: Final = 200
ROUNDS: Final = 2
AT_ONCE: Final = 5_000
GUESSED: Final = {1: 8_000, 50: 1_500}  # messages a second, to make runs about as long as asked for
RATE: Final = 500
RATE_EACH: Final = 4
COLUMNS: Final = "at, series, value, quality, delay_s"
COPY: Final = f"COPY raw_limit ({COLUMNS}) FROM STDIN"
LIMIT_CPU_S: Final = 0.5
TICK: Final = os.sysconf("SC_CLK_TCK")


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
def road() -> Iterator[tuple[int, int]]:
    """The port and the process id of a road that takes readings."""
    port = free_port()
    with child("benchmarks.ingest.road", str(port)) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        yield port, running.pid


def published(port: int, pid: int, messages: int, each: int, rate: int = 0) -> dict[str, float]:
    """What the devices tell, and `counted_cpu_s`."""
    with child("benchmarks.ingest.publisher", *map(str, (port, DEVICES, messages, each, rate))) as devices:
        assert devices.stdin and devices.stdout
        assert devices.stdout.readline() == "connected\n"
        began = bench.cpu_s() + used_cpu_s(pid)
        devices.stdin.write("go\n")
        devices.stdin.flush()
        told: dict[str, float] = json.loads(devices.stdout.readline())
        told["counted_cpu_s"] = bench.cpu_s() + used_cpu_s(pid) - began
    assert told["acknowledged"] == messages and not told["refused"], told
    return told


def used_cpu_s(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


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


def beside_copy(engine: Postgres, port: int, pid: int, each: int, seconds: float) -> dict[str, float | str]:
    """The road and the limit in turn, twice."""
    messages = round(GUESSED[each] * seconds / ROUNDS / DEVICES + 0.5) * DEVICES
    devices_cpu = cpu = wall = limit_cpu = limit_wall = 0.0
    for _ in range(ROUNDS):
        engine.run("TRUNCATE reading, raw_limit")
        told = published(port, pid, messages, each)
        cpu, wall, devices_cpu = cpu + told["counted_cpu_s"], wall + told["wall_s"], devices_cpu + told["cpu_s"]
        rows = engine.rows(f"SELECT {COLUMNS} FROM reading ORDER BY at, series")
        assert len(rows) == messages * each, (len(rows), messages * each)
        used, took = copied(engine, rows)
        limit_cpu, limit_wall = limit_cpu + used, limit_wall + took
    total = ROUNDS * messages * each
    return {
        f"mqtt_{each}_rows": total,
        f"mqtt_{each}_copy_rows_per_cpu_s": round(total / limit_cpu, 1),
        f"mqtt_{each}_rows_per_cpu_s": round(total / cpu, 1),
        f"mqtt_{each}_copy_rows_per_s": round(total / limit_wall, 1),
        f"mqtt_{each}_rows_per_s": round(total / wall, 1),
        f"mqtt_{each}_messages_per_cpu_s": round(total / each / cpu, 1),
        f"mqtt_{each}_devices_cpu_s": round(devices_cpu, 2),
        f"mqtt_{each}_cpu_ratio": round(limit_cpu / cpu, 3),
        f"mqtt_{each}_wall_ratio": round(limit_wall / wall, 3),
    }


def measured(seconds: float) -> dict[str, float | str]:
    prepare()
    provision(DEVICES, 0)
    engine = connect("telemetry")
    assert isinstance(engine, Postgres)
    engine.run("CREATE TABLE raw_limit (at bigint, series integer, value float8, quality smallint, delay_s integer)")
    found: dict[str, float | str] = {}
    with road() as (port, pid):
        published(port, pid, DEVICES, 1)  # the first batch makes tables and reads what was there
        for each in (50, 1):
            found |= beside_copy(engine, port, pid, each, seconds)
        messages = round(RATE * max(seconds, 4) / DEVICES) * DEVICES
        told = published(port, pid, messages, RATE_EACH, RATE)
    engine.close()
    return found | {
        "commit_messages_per_s": round(messages / told["wall_s"], 1),
        "commit_cpu_share": round(told["counted_cpu_s"] / told["wall_s"], 3),
        "commit_p50_ms": round(told["p50_ms"], 2),
        "commit_p99_ms": round(told["p99_ms"], 2),
    }
