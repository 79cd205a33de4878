# SPDX-License-Identifier: Apache-2.0
"""The one road: take a batch, decode and check it, commit it, then acknowledge it and tell who wants to know."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from channels.db import database_sync_to_async
from django.db import DatabaseError, DataError, IntegrityError

from smartcity import declared
from smartcity.control.acks import AckMessage
from smartcity.ingest import announcing, decoding
from smartcity.ingest.announcing import Announced
from smartcity.ingest.clocks import ClockHealth, Clocks
from smartcity.ingest.control_words import Announcement
from smartcity.ingest.courses import Courses
from smartcity.ingest.decoding import Tables
from smartcity.ingest.health import Books, Health
from smartcity.ingest.registry import Registry
from smartcity.kernel.clock import clock
from smartcity.telemetry.arrays import Floats, Ints
from smartcity.telemetry.batch import Batch, Written
from smartcity.telemetry.engines import Unavailable
from smartcity.telemetry.store import Store
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.messages import QUARANTINE_FULL, Outcome, RawMessage

log = logging.getLogger(__name__)
T = TypeVar("T")

AT_MOST: Final = 1_000
WITHIN_S: Final = 0.02
FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 2.0
MOST_ANNOUNCEMENTS: Final = 200


@dataclass(frozen=True, slots=True)
class Committed:
    """The news of a batch, columns of equal length: readings that were not known before, stored or not kept."""

    series: Ints
    at: Ints
    value: Floats
    quality: Ints

    def __len__(self) -> int:
        return len(self.series)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch ready to be written. `from_message` is the place of the message behind each quarantine row, `hellos`
    are (place, what the device says it is)."""

    batch: Batch
    from_message: list[int]
    acks: list[AckMessage]
    hellos: list[tuple[int, Announcement]]


OnCommit = Callable[[Committed], None]
OnAck = Callable[[list[AckMessage]], None]
OnHello = Callable[[list[Announced]], None]


class Pipeline:
    """Runs on the event loop; decoding and committing happen in the store's thread."""

    def __init__(
        self, inbox: BoundedInbox, registry: Registry, store: Store, *, city_ms: Callable[[], int],
        on_commit: OnCommit, on_ack: OnAck, on_hello: OnHello,
    ) -> None:  # fmt: skip
        self.inbox, self.registry, self.store, self.city_ms = inbox, registry, store, city_ms
        self.on_commit, self.on_ack, self.on_hello = on_commit, on_ack, on_hello
        self.books = Books()
        self.clocks = Clocks()
        self.last_problem = ""
        self._before = Courses()
        self._taken = 0
        self._taken_at = 0.0
        self._down_since: float | None = None
        self._announcements: asyncio.Queue[tuple[RawMessage, Announcement]] = asyncio.Queue()

    async def open(self) -> None:
        """Read the devices, so that they can be let in. Raises where the city's database is not there."""
        await self.registry.load()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.registry.run())
            tasks.create_task(self._announce())
            while True:
                messages = await self.inbox.take(at_most=AT_MOST, within_s=WITHIN_S)
                self._taken, self._taken_at = len(messages), time.monotonic()
                await self._carry(messages)

    async def close(self) -> None:
        """Let go of the database. Call when `run` has ended; what is still in the inbox was never acknowledged."""
        await asyncio.to_thread(self.store.close)

    def health(self) -> Health:
        now = time.monotonic()
        in_flight = self._taken + len(self.inbox)
        oldest_s = now - self._taken_at if self._taken else self.inbox.oldest_s
        down_s = now - self._down_since if self._down_since is not None else 0.0
        imbalances = self.books.imbalances(self.inbox.offered, in_flight)
        return Health(
            ok=not down_s and not imbalances and not self.inbox.is_full,
            waiting=in_flight,
            oldest_s=round(oldest_s, 3),
            database_down_s=round(down_s, 3),
            readings_s=round(self.books.readings_s, 1),
            messages_s=round(self.books.messages_s, 1),
            lag_s=round(self.books.lag_s, 3),
            counts=dict(self.books.counts),
            imbalances=imbalances,
            last_problem=self.last_problem,
        )

    def clock_health(self) -> ClockHealth:
        uids = {known.id: uid for uid, known in self.registry.roster.devices.items() if not known.is_retired}
        return self.clocks.health(uids, clock.speed)

    async def _carry(self, messages: Sequence[RawMessage]) -> None:
        try:
            prepared = await self.store.do(self._prepare, messages)
            written = await self._commit(prepared.batch)
        except Exception as problem:
            log.exception("a batch of %d messages cannot be committed", len(messages))
            self.last_problem = f"{type(problem).__name__}: {problem}"
            await self._carry_apart(messages, problem)
        else:
            self._tell(messages, prepared, written)

    async def _commit(self, batch: Batch) -> Written:
        """Until it is done: nobody is acknowledged meanwhile, the inbox fills, and senders are made to wait."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                written = await self.store.do(self.store.write, batch)
            except Unavailable as problem:
                self._is_down(str(problem))
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            else:
                self._is_up()
                return written

    async def _carry_apart(self, messages: Sequence[RawMessage], problem: Exception) -> None:
        """One message that breaks our own code must not stop the road: find it by halving, set it aside."""
        if len(messages) > 1:
            middle = len(messages) // 2
            for part in (messages[:middle], messages[middle:]):
                await self._carry(part)
            return
        (message,) = messages
        known = self.registry.device(message.device)
        row = decoding.quarantined(message, known, "not storable", f"{type(problem).__name__} while storing it")
        batch = Batch(now_ms=self.city_ms(), quarantined=[row], counts={"messages.received": 1})
        try:
            written = await self._commit(batch)
        except Exception:
            log.exception("a message of %s can neither be stored nor set aside", message.device)
            self.books.counts["messages.refused"] += 1
            self._taken -= 1
            message.settle(Outcome.refused("not storable"))
        else:
            self._tell(messages, Prepared(batch, [0], [], []), written)

    def _prepare(self, messages: Sequence[RawMessage]) -> Prepared:
        """In the store's thread."""
        roster = self.registry.roster
        self.store.book = roster.book
        tables = Tables(roster, declared.codecs(), declared.metrics())
        found = decoding.decode(messages, tables, self._before)
        batch = Batch(
            now_ms=self.city_ms(),
            readings=found.readings,
            seen=found.seen,
            quarantined=found.quarantined,
            logged=found.logged,
            counts={
                "messages.received": len(messages),
                "messages.decoded": found.decoded,
                "events.received": sum(batch.events for batch in found.logged),
            },
        )
        self.clocks.note(found.stamps, batch.now_ms)
        return Prepared(batch, found.from_message, found.acks, found.hellos)

    def _tell(self, messages: Sequence[RawMessage], prepared: Prepared, written: Written) -> None:
        """The commit has happened: first the devices, then whoever watches."""
        self._taken -= len(messages)
        self.books.committed(prepared.batch, written)
        outcomes = _outcomes(len(messages), prepared, written)
        announcing_now = {place for place, _ in prepared.hellos}
        for place, message in enumerate(messages):
            if place not in announcing_now:
                message.settle(outcomes[place])
        for place, announcement in prepared.hellos:
            self._announcements.put_nowait((messages[place], announcement))
        rows = prepared.batch.readings.take(written.fresh)
        if len(rows):
            _call(self.on_commit, Committed(rows.series, rows.at, rows.value, rows.quality))
        if prepared.acks:
            _call(self.on_ack, prepared.acks)

    async def _announce(self) -> None:
        """Descriptions belong to the city's database, so they are stored apart, and acknowledged then."""
        while True:
            waiting = [await self._announcements.get()]
            while not self._announcements.empty() and len(waiting) < MOST_ANNOUNCEMENTS:
                waiting.append(self._announcements.get_nowait())
            await self._carry_announcements(waiting)

    async def _carry_announcements(self, waiting: Sequence[tuple[RawMessage, Announcement]]) -> None:
        """As readings are carried: one that breaks our own code is found by halving, and refused."""
        try:
            told = await self._describe([announcement for _, announcement in waiting])
        except Exception as problem:
            log.exception("%d descriptions of devices cannot be stored", len(waiting))
            self.last_problem = f"{type(problem).__name__} while storing a description"
            if len(waiting) == 1:
                waiting[0][0].settle(Outcome.refused("not storable"))
                return
            middle = len(waiting) // 2
            for part in (waiting[:middle], waiting[middle:]):
                await self._carry_announcements(part)
        else:
            for message, _ in waiting:
                message.settle(Outcome.STORED)
            _call(self.on_hello, told)

    async def _describe(self, announcements: list[Announcement]) -> list[Announced]:
        """Until it is done, or cannot be."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                return await _store_announcements(announcements)
            except (DataError, IntegrityError):
                raise  # the same again would fail again
            except DatabaseError as problem:
                self.last_problem = f"descriptions of devices wait: {problem}"
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _is_down(self, problem: str) -> None:
        if self._down_since is None:
            self._down_since = time.monotonic()
            log.warning("the telemetry database takes nothing just now, devices are made to wait: %s", problem)
        self.last_problem = problem

    def _is_up(self) -> None:
        if self._down_since is not None:
            log.warning("the telemetry database is back after %.1f s", time.monotonic() - self._down_since)
            self._down_since = None


_store_announcements = database_sync_to_async(announcing.store, thread_sensitive=False)


def _outcomes(many: int, prepared: Prepared, written: Written) -> list[Outcome]:
    """For each message: stored, set aside and why, or refused because its device has filled its quarantine."""
    outcomes = [Outcome.STORED] * many
    for n, place in enumerate(prepared.from_message):
        outcomes[place] = Outcome.quarantined(prepared.batch.quarantined[n].reason)
    for n in written.refused:
        outcomes[prepared.from_message[n]] = QUARANTINE_FULL
    return outcomes


def _call(listener: Callable[[T], None], news: T) -> None:
    """Who listens may fail without stopping the road; it is on the tick of each to catch up."""
    try:
        listener(news)
    except Exception:
        log.exception("a listener of the pipeline failed")


def build(
    inbox: BoundedInbox, on_commit: OnCommit, on_ack: OnAck, on_hello: OnHello, *,
    registry: Registry | None = None, store: Store | None = None, city_ms: Callable[[], int] = clock.now_ms,
) -> Pipeline:  # fmt: skip
    """Ready to `open` and `run`."""
    return Pipeline(
        inbox, registry or Registry(), store or Store(), city_ms=city_ms,
        on_commit=on_commit, on_ack=on_ack, on_hello=on_hello,
    )  # fmt: skip
