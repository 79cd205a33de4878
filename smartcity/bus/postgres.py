# SPDX-License-Identifier: Apache-2.0
"""Words between processes over PostgreSQL's NOTIFY: control needs the database anyway, and so nothing else.

What is said while the line is down is kept for a few seconds and then dropped: whoever says something important says
it again until it is answered. Runs on one event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import psycopg
from psycopg import sql

from smartcity.bus import words
from smartcity.bus.words import Said

log = logging.getLogger(__name__)

PREFIX: Final = "smartcity_"
KEEP_S: Final = 5.0
MOST: Final = 20_000
SILENT_S: Final = 10.0  # everybody says something every two seconds, this process too
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 2.0
LINE: Final[dict[str, Any]] = {
    "autocommit": True, "connect_timeout": 5, "tcp_user_timeout": 10_000, "keepalives_idle": 5,
    "keepalives_interval": 2, "keepalives_count": 3,
}  # fmt: skip

Handler = Callable[[Said], None]


@dataclass(frozen=True, slots=True)
class Proviso:
    """A condition the database checks as it passes the words on: an expression of SQL and its parameters."""

    condition: str
    parameters: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Unsaid:
    topic: str
    text: str
    proviso: Proviso | None
    since: float


@dataclass(slots=True)
class Counters:
    said: int = 0
    heard: int = 0
    dropped: int = 0
    withheld: int = 0
    missed: int = 0
    not_believed: int = 0
    joined: int = 0


@dataclass(slots=True)
class PostgresBus:
    """`name` is this process's own; `line` are psycopg's connection parameters, `key` is the city's. `on_joined` are
    called whenever the line stands (again): what was said meanwhile was missed."""

    name: str
    line: dict[str, Any]
    key: bytes
    counters: Counters = field(default_factory=Counters)
    on_joined: list[Callable[[], None]] = field(default_factory=list)
    problem: str = "not connected yet"
    _handlers: dict[str, list[Handler]] = field(default_factory=dict)
    _unsaid: deque[_Unsaid] = field(default_factory=deque)
    _numbers: Counter[str] = field(default_factory=Counter)
    _heard: dict[tuple[str, str], int] = field(default_factory=dict)
    _is_more: asyncio.Event = field(default_factory=asyncio.Event)

    def listen(self, topic: str, handler: Handler) -> None:
        """Before `run`. What a handler raises is logged and goes no further."""
        self._handlers.setdefault(topic, []).append(handler)

    def say(self, topic: str, items: Iterable[Any], proviso: Proviso | None = None) -> None:
        """To everybody who listens, this process too. Raises words.TooLong."""
        for packed in words.pack(items):
            self._numbers[topic] += 1
            text = words.write(self.key, topic, self.name, self._numbers[topic], packed)
            self._unsaid.append(_Unsaid(topic, text, proviso, monotonic()))
        while len(self._unsaid) > MOST:
            self._unsaid.popleft()
            self.counters.dropped += 1
        self._is_more.set()

    async def run(self) -> None:
        """Until cancelled; it connects again by itself."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again_and_again(self._hear))
            tasks.create_task(self._again_and_again(self._speak))

    async def _again_and_again(self, work: Callable[[psycopg.AsyncConnection], Any]) -> None:
        pause = FIRST_PAUSE_S
        while True:
            began = monotonic()
            try:
                async with await psycopg.AsyncConnection.connect(**(self.line | LINE)) as connection:
                    await work(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                if not self.problem:
                    log.warning("no line to the other processes: %s", error)
                self.problem = str(error).strip() or type(error).__name__
            pause = FIRST_PAUSE_S if monotonic() - began > 5 else min(2 * pause, LONGEST_PAUSE_S)
            await asyncio.sleep(pause)

    async def _hear(self, connection: psycopg.AsyncConnection) -> None:
        for topic in self._handlers:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(PREFIX + topic)))
        self.problem = ""
        self.counters.joined += 1
        self._heard.clear()
        for joined in self.on_joined:
            _call(joined)
        while True:
            is_silent = True
            async for notice in connection.notifies(timeout=SILENT_S, stop_after=1):
                is_silent = False
                self._take(notice.channel.removeprefix(PREFIX), notice.payload)
            if is_silent:
                raise TimeoutError("nothing was heard for too long, not even ourselves")

    def _take(self, topic: str, text: str) -> None:
        try:
            said = words.read(self.key, topic, text)
        except ValueError as problem:
            self.counters.not_believed += 1
            log.warning("%s", problem)
            return
        last = self._heard.get((topic, said.sender))
        if last is not None and said.number <= last:
            self.counters.not_believed += 1  # somebody says again what was said
            return
        self.counters.heard += 1
        self._heard[topic, said.sender] = said.number
        if last is not None:
            self.counters.missed += said.number - last - 1
        for handler in self._handlers.get(topic, ()):
            _call(handler, said)

    async def _speak(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            await self._is_more.wait()
            self._is_more.clear()
            while self._unsaid:
                await self._say_some(connection)

    async def _say_some(self, connection: psycopg.AsyncConnection) -> None:
        """The oldest that stand under one proviso, in one statement; they stay until it has been said."""
        batch = _oldest(self._unsaid)
        fresh = [one for one in batch if monotonic() - one.since <= KEEP_S]
        if fresh:
            passed = await _notify(connection, fresh)
            self.counters.said += passed
            self.counters.withheld += len(fresh) - passed
        self.counters.dropped += len(batch) - len(fresh)
        for one in batch:
            with suppress(ValueError):  # dropped meanwhile to make room
                self._unsaid.remove(one)


def _oldest(unsaid: Sequence[_Unsaid], most: int = 200) -> list[_Unsaid]:
    found: list[_Unsaid] = []
    for one in unsaid:
        if len(found) >= most or one.proviso != unsaid[0].proviso:
            break
        found.append(one)
    return found


async def _notify(connection: psycopg.AsyncConnection, batch: Sequence[_Unsaid]) -> int:
    """How many were passed on: all, or none where the proviso does not hold."""
    proviso = batch[0].proviso
    where, parameters = (f" WHERE {proviso.condition}", proviso.parameters) if proviso else ("", ())
    text = f"SELECT pg_notify(topic, said) FROM unnest(%s::text[], %s::text[]) AS w (topic, said){where}"
    columns = ([PREFIX + one.topic for one in batch], [one.text for one in batch])
    done = await connection.execute(text.encode(), (*columns, *parameters))
    return done.rowcount


def _call(listener: Callable[..., None], *said: Said) -> None:
    try:
        listener(*said)
    except Exception:
        log.exception("what was heard on the bus could not be taken in")
