# SPDX-License-Identifier: Apache-2.0
"""POST /ingest with 1,000 readings a request: what the server needs for it, beside decoding such a body and no more.

The server is the product's own app in uvicorn; what it takes in is decoded and checked as the pipeline does, and then
acknowledged without being stored, because storing is measured elsewhere. The sender is a process whose CPU is told but
not counted.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import uvloop

from benchmarks.ingest import poster
from benchmarks.store import engine as bench
from smartcity import declared, serving
from smartcity.ingest import decoding
from smartcity.ingest.courses import Courses
from smartcity.ingest.decoding import Tables
from smartcity.kernel.senml import Record
from smartcity.transports.http import Doorkeeper, HttpLimits, Ingest
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.messages import Certificate, Identity, Inbox, Outcome, RawMessage, Refusal
from tests.servers import free_port

MESSAGES: Final = 20
EACH: Final = 50
ROWS: Final = MESSAGES * EACH
NO_LIMITS: Final = HttpLimits(rate_s=1e9, burst=10**9)


class Typed(msgspec.Struct, gc=False):
    device: str
    payload: list[Record]


class TypedBody(msgspec.Struct, gc=False):
    messages: list[Typed]


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    devices: Container[str]


class Open:
    """Lets a gateway in that speaks for every lamp."""

    def __init__(self) -> None:
        self.key = Key("bench", {f"L-{n}" for n in range(bench.DEVICES)})

    def token(self, text: str) -> Key | None:
        return self.key if text == poster.TOKEN else None

    async def authenticate(self, username: str, secret: bytes) -> Identity | Refusal:
        return Refusal("no devices here")

    async def certified(self, certificate: Certificate, username: str) -> Identity | Refusal:
        return Refusal("no devices here")


def body() -> bytes:
    """Twenty lamps say what the last 25 seconds were like."""
    now = time.time()
    packs = [
        {
            "device": f"L-{n}",
            "payload": [
                {"n": bench.METRICS[k % 2], "v": 40 + (n + k) % 50, "t": round(now - k // 2, 3)} for k in range(EACH)
            ],
        }
        for n in range(MESSAGES)
    ]
    return json.dumps({"messages": packs}).encode()


def decoded_alone(seconds: float, given: bytes) -> float:
    """Rows a CPU-second of msgspec, typed."""
    decoder = msgspec.json.Decoder(TypedBody)
    began, done = time.process_time(), 0
    while time.process_time() - began < seconds:
        decoder.decode(given)
        done += ROWS
    return done / (time.process_time() - began)


def decoding_of(tables: Tables) -> Callable[[Sequence[RawMessage]], None]:
    before = Courses()

    def work(batch: Sequence[RawMessage]) -> None:
        found = decoding.decode(batch, tables, before)
        assert len(found.readings) == EACH * len(batch)

    return work


def nothing(batch: Sequence[RawMessage]) -> None:
    pass


def door(inbox: Inbox, doorkeeper: Doorkeeper, city_ms: Callable[[], int], port: int) -> serving.Server:
    """POST /ingest by itself, for senders without limits; not yet listening."""
    return serving.server(_http(Ingest(inbox, doorkeeper, city_ms=city_ms, limits=NO_LIMITS)), "127.0.0.1", port)


async def served(seconds: float, work: Callable[[Sequence[RawMessage]], None]) -> dict[str, float]:
    """Rows a CPU-second of this process while the sender sends."""
    inbox = BoundedInbox()
    app = Ingest(inbox, Open(), city_ms=lambda: round(time.time() * 1000), limits=NO_LIMITS)
    port = free_port()
    server = serving.server(_http(app), "127.0.0.1", port)
    tasks = asyncio.create_task(server.serve()), asyncio.create_task(take(inbox, work))
    await server.is_up.wait()
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.ingest.poster", str(port), str(seconds),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert sender.stdin and sender.stdout
    sender.stdin.write(body())
    sender.stdin.write_eof()
    await sender.stdout.readline()
    cpu, wall, before = time.process_time(), time.monotonic(), app.answers[200]
    told = json.loads(await sender.stdout.readline())
    cpu, wall, requests = time.process_time() - cpu, time.monotonic() - wall, app.answers[200] - before
    assert set(app.answers) == {200}, app.answers
    await sender.wait()
    server.should_exit = True
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {"cpu": requests * ROWS / cpu, "wall": requests * ROWS / wall, "sender_cpu_s": told["cpu_s"]}


async def take(inbox: BoundedInbox, work: Callable[[Sequence[RawMessage]], None]) -> None:
    """As the pipeline takes, without its wait for more."""
    while True:
        batch = await inbox.take(within_s=0)
        work(batch)
        for message in batch:
            message.settle(Outcome.STORED)


def _http(app: Ingest) -> Callable[..., Any]:
    async def call(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return call


def measured(seconds: float) -> dict[str, float | str]:
    table = bench.roster()
    work = decoding_of(Tables(table, declared.codecs(), declared.metrics()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        alone = [decoded_alone(seconds / 2, body())]
        whole = runner.run(served(seconds, work))
        taken = runner.run(served(seconds, nothing))
        alone.append(decoded_alone(seconds / 2, body()))
    limit = sum(alone) / 2
    return {
        "http_1000_msgspec_alone_rows_per_cpu_s": round(limit, 1),
        "http_1000_rows_per_cpu_s": round(whole["cpu"], 1),
        "http_1000_rows_per_s": round(whole["wall"], 1),
        "http_1000_sender_cpu_s": round(whole["sender_cpu_s"], 2),
        "http_1000_taken_in_only_ratio": round(taken["cpu"] / limit, 3),
        "http_1000_rows_ratio": round(whole["cpu"] / limit, 3),
    }
