# SPDX-License-Identifier: Apache-2.0
"""Who ran which round of which loop under which epoch, as the processes themselves say it on the bus."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import psycopg

from smartcity.bus import words
from smartcity.bus.postgres import PREFIX
from smartcity.processes.topics import LOOPS, PROCESSES


@dataclass(frozen=True, slots=True)
class Round:
    """A round that began at `at_ms` by the city's time."""

    loop: str
    at_ms: int
    sender: str
    epoch: int


class Minutes:
    """Listens until it is left. `led` are the (monotonic, sender, epoch) of every word of a process that led,
    `connections` the most that the database had open at once."""

    def __init__(self, database_url: str, key: bytes) -> None:
        self.rounds: set[Round] = set()
        self.led: list[tuple[float, str, int]] = []
        self.connections = 0
        self._url, self._key = database_url, key
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="minutes", daemon=True)

    def __enter__(self) -> Minutes:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _listen(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as line:
            for topic in (LOOPS, PROCESSES):
                line.execute(f"LISTEN {PREFIX}{topic}".encode())
            while not self._is_over.is_set():
                found = line.execute("SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL").fetchone()
                self.connections = max(self.connections, int(found[0]) if found else 0)
                for notice in line.notifies(timeout=0.5):
                    topic = notice.channel.removeprefix(PREFIX)
                    said = words.read(self._key, topic, notice.payload)
                    if notice.channel == PREFIX + PROCESSES:
                        self._note_epoch(said.sender, said.items[0])
                    else:
                        self._note_rounds(said.sender, said.items)

    def _note_epoch(self, sender: str, told: dict[str, Any]) -> None:
        if told["epoch"]:
            self.led.append((time.monotonic(), sender, told["epoch"]))

    def _note_rounds(self, sender: str, loops: Iterable[dict[str, Any]]) -> None:
        self.rounds |= {Round(one["name"], one["last_run_ms"], sender, one["epoch"]) for one in loops if one["epoch"]}

    @property
    def leaders(self) -> int:
        """How many different terms of office there were."""
        return len({(sender, epoch) for _, sender, epoch in self.led})

    @property
    def longest_without_s(self) -> float:
        """The longest time between words of a leader."""
        at = [one[0] for one in self.led]
        return max((b - a for a, b in pairwise(at)), default=0.0)


def run_twice(rounds: Iterable[Round]) -> list[Round]:
    """Rounds of an older epoch that began after the first of a newer one: then two processes ran the same loop."""
    found: list[Round] = []
    newest: dict[str, int] = {}
    for one in sorted(rounds, key=lambda one: (one.loop, one.at_ms, one.epoch)):
        if one.epoch < newest.get(one.loop, 0):
            found.append(one)
        newest[one.loop] = max(one.epoch, newest.get(one.loop, 0))
    return found
