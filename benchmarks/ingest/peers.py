# SPDX-License-Identifier: Apache-2.0
"""The same rows, 5,000 a request over HTTP, into the city's road on PostgreSQL, VictoriaMetrics and InfluxDB, in turn.

Ours is POST /ingest: checked, stored under a key, latest values and rollups kept, answered after the commit. Theirs is
the line protocol. Counted is the CPU of each server, of ours the road's process and all of PostgreSQL, until three
seconds after the last answer; encoding and sending are not. That each has all rows is asked of it afterwards.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import httpx

from benchmarks.chaos.provision import TOKEN, uid
from benchmarks.ingest import cpu, rivals
from benchmarks.ingest.mqtt import DEVICES, Found, road, table
from benchmarks.ingest.publisher import METRICS
from benchmarks.store import engine as bench
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.postgres import Postgres
from smartcity.telemetry.store import Store
from tests.servers import Unavailable, free_port

ROWS: Final = 5_000
PACK: Final = 50
AT_ONCE: Final = DEVICES // (ROWS // PACK)  # requests that together ask every device once
STEP_MS: Final = 4
LINES: Final = 4
ROUNDS: Final = 2
SETTLE_S: Final = 3.0
GUESSED: Final = 40  # requests a second, to make runs about as long as asked for
NAMES: Final = {name: name.replace(".", "_") for name in METRICS}
DURABLE: Final = {
    "ours": "fsync before each answer",
    "victoriametrics": "no fsync before an answer: a crash loses the last seconds",
    "influxdb": "fsync of its log before each answer",
}
GOALS: Final = ("victoriametrics", "influxdb")
Row = tuple[int, str, int, int]


@dataclass(slots=True)
class Contestant:
    """`spent_s` is what its server has used; `encode` makes the body of a request, `held` counts the rows it has."""

    name: str
    url: str
    encode: Callable[[Sequence[Row]], bytes]
    spent_s: Callable[[], float]
    held: Callable[[], int]
    headers: dict[str, str] = field(default_factory=dict)
    cpu_s: float = 0.0
    wall_s: float = 0.0

    def take(self, requests: Sequence[Sequence[Row]]) -> None:
        bodies = [self.encode(rows) for rows in requests]
        spent, began = self.spent_s(), time.monotonic()
        with httpx.Client(timeout=60, headers=self.headers) as client, ThreadPoolExecutor(LINES) as threads:
            for answer in threads.map(partial(_post, client, self.url), bodies):
                answer.raise_for_status()
        self.wall_s += time.monotonic() - began
        time.sleep(SETTLE_S)
        self.cpu_s += self.spent_s() - spent


def requests(many: int, from_ms: int) -> list[list[Row]]:
    """(device, metric, value, at): fifty readings of a hundred devices each, every series in the order of its time."""
    found = []
    for n in range(many):
        start = from_ms + n // AT_ONCE * PACK // 2 * STEP_MS
        first = n % AT_ONCE * (ROWS // PACK)
        found.append([
            (device, METRICS[k % 2], 40 + (device + k + n) % 50, start + k // 2 * STEP_MS)
            for device in range(first, first + ROWS // PACK)
            for k in range(PACK)
        ])  # fmt: skip
    return found


def as_messages(rows: Sequence[Row]) -> bytes:
    packs = [
        {"device": uid(rows[n][0]), "payload": [{"n": m, "v": v, "t": at / 1000} for _, m, v, at in rows[n : n + PACK]]}
        for n in range(0, len(rows), PACK)
    ]
    return json.dumps({"messages": packs}).encode()


def as_lines(rows: Sequence[Row]) -> bytes:
    return "\n".join(f"{NAMES[m]},device={uid(device)} value={v} {at}" for device, m, v, at in rows).encode()


@contextmanager
def ours(engine: Postgres) -> Iterator[Contestant]:
    port = free_port()
    with road("--http", str(port)) as (_, pid):
        yield Contestant(
            "ours", f"http://127.0.0.1:{port}/ingest", as_messages,
            lambda: cpu.used_s(pid) + bench.server_cpu_s(),
            lambda: int(engine.rows("SELECT count(*) FROM reading")[0][0]),
            {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )  # fmt: skip


@contextmanager
def victoriametrics() -> Iterator[Contestant]:
    with rivals.victoriametrics() as (url, server):
        yield Contestant(
            "victoriametrics", f"{url}/write?precision=ms", as_lines, lambda: cpu.used_s(server.process.pid),
            partial(_held_by_victoriametrics, url),
        )  # fmt: skip


@contextmanager
def influxdb() -> Iterator[Contestant]:
    with rivals.influxdb() as (url, server):
        httpx.post(f"{url}/query", params={"q": "CREATE DATABASE city"}).raise_for_status()
        yield Contestant(
            "influxdb", f"{url}/write?db=city&precision=ms", as_lines, lambda: cpu.used_s(server.process.pid),
            partial(_held_by_influxdb, url),
        )  # fmt: skip


def measured(seconds: float) -> Found:
    many = max(2, round(GUESSED * seconds / ROUNDS)) * AT_ONCE
    found: Found = {}
    with ExitStack() as stack:
        engine = stack.enter_context(table())
        there = [stack.enter_context(ours(engine))]
        for name, start in (("victoriametrics", victoriametrics), ("influxdb", influxdb)):
            try:
                there.append(stack.enter_context(start()))
            except Unavailable as problem:
                found[f"ours_over_{name}"] = f"skipped: {problem}"
        _race(there, many)
        alone = _store_alone(seconds)
    return found | _told(there, ROUNDS * many * ROWS, alone)


def _race(there: Sequence[Contestant], many: int) -> None:
    span_ms = many // AT_ONCE * PACK // 2 * STEP_MS
    from_ms = round(time.time() * 1000) - span_ms
    for one in there:
        one.take(requests(AT_ONCE, from_ms - span_ms))  # the first makes tables and files
        one.cpu_s = one.wall_s = 0.0
    for _ in range(ROUNDS):
        given = requests(many, from_ms)
        for one in there:
            one.take(given)
        from_ms += span_ms
    rows = (ROUNDS * many + AT_ONCE) * ROWS
    for one in there:
        held = one.held()
        assert held == rows, (one.name, held, rows)


def _told(there: Sequence[Contestant], rows: int, alone: float) -> Found:
    speed = {one.name: rows / one.cpu_s for one in there}
    found: Found = {"peers_rows": rows, "peers_store_alone_rows_per_cpu_s": round(alone, 1)}
    for one in there:
        found |= {
            f"peers_{one.name}_rows_per_cpu_s": round(speed[one.name], 1),
            f"peers_{one.name}_rows_per_s": round(rows / one.wall_s, 1),
            f"peers_{one.name}_durability": DURABLE[one.name],
        }
    for name in GOALS:
        if name in speed:
            found[f"store_alone_over_{name}"] = round(alone / speed[name], 3)
            found[f"ours_over_{name}"] = round(speed["ours"] / speed[name], 3)
    return found


def _post(client: httpx.Client, url: str, body: bytes) -> httpx.Response:
    return client.post(url, content=body)


_shift: Final = bench.NOW - round(time.time() * 1000)


def _clock() -> Iterator[int]:
    return iter(range(bench.NOW, bench.NOW + 10**12, 40))


def _rows(clock: Iterator[int]) -> Readings:
    """As the benchmark of the store makes them, but about now, as the others are."""
    made, shift = bench.rows(clock), _shift
    return Readings(made.at - shift, made.series, made.value, made.quality, made.received - shift)


def _store_alone(seconds: float) -> float:
    """Rows a CPU-second where they are arrays already, and only the store is asked."""
    store, make = Store(book=bench.roster().book), partial(_rows, _clock())
    bench.write(store, make())  # the first reads what was there
    speed = bench.per_cpu_s(seconds, make, partial(bench.write, store), bench.ROWS)
    store.close()
    return speed


def _held_by_victoriametrics(url: str) -> int:
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return sum(
        int(float(line.split()[-1])) for line in lines if line.startswith('vm_rows_inserted_total{type="influx"')
    )


def _held_by_influxdb(url: str) -> int:
    told = httpx.get(f"{url}/query", params={"db": "city", "q": "SELECT count(value) FROM /.*/"}, timeout=60).json()
    return sum(series["values"][0][1] for series in told["results"][0].get("series", []))
