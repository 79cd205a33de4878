# SPDX-License-Identifier: Apache-2.0
"""What telling a thousand browsers costs the server a frame, beside `websockets.broadcast` of the same frames.

Both servers stand the whole time, with a thousand browsers each, and speak in turn; a frame tells of a hundred sensors.
Who has not read its last frame yet gets none, so that what is counted is what came.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from benchmarks.chaos.provision import prepare
from benchmarks.ingest.mqtt import Found, child
from tests.servers import free_port

CLIENTS: Final = 1_000
BETWEEN_S: Final = 0.25
ROUNDS: Final = 4
SETTLE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Audience:
    """Browsers in a process of their own."""

    process: subprocess.Popen[str]

    def begin(self) -> None:
        _say(self.process, "begin")

    def end(self) -> dict[str, float]:
        _say(self.process, "end")
        assert self.process.stdout
        told: dict[str, float] = json.loads(self.process.stdout.readline())
        return told


@contextmanager
def audience(port: int, many: int, *, readers: int = 0, cookie: str = "") -> Iterator[Audience]:
    with child("benchmarks.ingest.browsers", *map(str, (port, many, readers)), cookie) as process:
        assert process.stdout
        assert process.stdout.readline() == "connected\n"
        yield Audience(process)


@dataclass(slots=True)
class Hall:
    server: subprocess.Popen[str]
    audience: Audience
    cpu_s: float = 0.0
    told: int = 0
    frames: float = 0
    size: float = 0

    def speak(self, ticks: int) -> None:
        assert self.server.stdout
        self.audience.begin()
        time.sleep(SETTLE_S)
        _say(self.server, f"{ticks} {BETWEEN_S}")
        self.cpu_s += float(self.server.stdout.readline())
        time.sleep(SETTLE_S)
        told = self.audience.end()
        self.told += ticks * CLIENTS
        self.frames, self.size = self.frames + told["frames"], self.size + told["bytes"]


@contextmanager
def hall(which: str) -> Iterator[Hall]:
    port = free_port()
    with child("benchmarks.ingest.hall", which, str(port)) as server:
        assert server.stdout
        ready, _, cookie = server.stdout.readline().strip().partition(" ")
        assert ready == "ready"
        with audience(port, CLIENTS, cookie=cookie) as listening:
            yield Hall(server, listening)


def measured(seconds: float) -> Found:
    prepare()
    ticks = max(4, round(seconds / BETWEEN_S))
    with ExitStack() as stack:
        halls = {which: stack.enter_context(hall(which)) for which in ("ours", "limit")}
        for one in halls.values():
            one.speak(2)
            one.cpu_s = one.told = one.frames = one.size = 0
        for _ in range(ROUNDS):
            for one in halls.values():
                one.speak(ticks)
    each_us = {which: one.cpu_s / one.frames * 1e6 for which, one in halls.items()}
    return {
        "live_view_clients": CLIENTS,
        "live_view_delivered_share": round(halls["ours"].frames / halls["ours"].told, 4),
        "live_view_bytes_per_frame": round(halls["ours"].size / halls["ours"].frames),
        "live_view_broadcast_us_per_delivery": round(each_us["limit"], 2),
        "live_view_us_per_delivery": round(each_us["ours"], 2),
        "live_view_ratio": round(each_us["ours"] / each_us["limit"], 3),
    }


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin
    process.stdin.write(line + "\n")
    process.stdin.flush()
