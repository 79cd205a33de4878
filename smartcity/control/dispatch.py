# SPDX-License-Identifier: Apache-2.0
"""Commands on their way: sent while they are valid, repeated until answered, confirmed by what was measured."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from smartcity.control import answering, expiring, outgoing, verifying
from smartcity.control.acks import Answer
from smartcity.control.leader import Leader
from smartcity.control.leases import LostLeadership
from smartcity.control.line import Line, over
from smartcity.control.outgoing import Due, Outgoing
from smartcity.control.pool import Pool
from smartcity.kernel.clock import CityClock, clock
from smartcity.transports.letters import Letter, Posted

__all__ = ["Dispatcher", "Patience", "over"]

log = logging.getLogger(__name__)

BATCH = 500
SHORTEST_EXPIRY_S = 1.0
ROAD_S = 2.0  # wall: from a measurement to the store


@dataclass(frozen=True, slots=True)
class Patience:
    """Wall seconds: between ticks, between sweeps of expiry and effects, before the first and the last repetition."""

    tick_s: float = 0.1
    sweep_s: float = 1.0
    first_retry_s: float = 10.0
    longest_retry_s: float = 120.0
    away_s: float = 5.0


@dataclass(slots=True)
class Tries:
    """How often an unanswered command has been sent by this process, and when it is due again (monotonic)."""

    count: int
    due_at: float


@dataclass(slots=True)
class Counters:
    sent: int = 0
    repeated: int = 0
    answered: int = 0
    given_back: int = 0
    failures: int = 0


@dataclass(slots=True)
class _Inbox:
    answers: list[Answer] = field(default_factory=list)
    ready: set[str] = field(default_factory=set)


class Dispatcher:
    """Runs on the event loop; the database is touched in the pool only.

    The command table is the outbox: after a restart whatever is unanswered goes out again under its id, which the
    device answers again without acting twice.
    """

    def __init__(
        self,
        line: Line,
        leader: Leader,
        pool: Pool,
        *,
        patience: Patience | None = None,
        city: CityClock = clock,
    ) -> None:
        self.counters = Counters()
        self._line = line
        self._leader = leader
        self._pool = pool
        self._patience = patience or Patience()
        self._city = city
        self._inbox = _Inbox()
        self._tries: dict[UUID, Tries] = {}
        self._devices: dict[UUID, str] = {}
        self._away: dict[str, float] = {}
        self._next_sweep = 0.0

    def on_ack(self, answers: Iterable[Answer]) -> None:
        self._inbox.answers.extend(answers)

    def on_ready(self, device: str) -> None:
        """It has just subscribed to its commands: what it has not answered goes out again at once."""
        self._inbox.ready.add(device)
        self._away.pop(device, None)

    async def run(self) -> None:
        while True:
            try:
                await self.tick()
            except LostLeadership:
                self._leader.lost()
            except Exception:  # the one loop that must not die; what it did not do is done on a later tick
                self.counters.failures += 1
                log.exception("a dispatcher tick failed")
                await asyncio.sleep(self._patience.sweep_s)
            await asyncio.sleep(self._patience.tick_s)

    async def tick(self) -> None:
        """Answers first, so that nothing expires that has been carried out; then expiry and effects; then sending."""
        await self._take_answers()
        is_time, now = monotonic() >= self._next_sweep, self._city.now_ms()
        if is_time:
            self._next_sweep = monotonic() + self._patience.sweep_s
        epoch = self._leader.epoch
        if epoch is None:
            return
        if is_time:
            await self._pool.run(sweep, now, self._city.is_simulation, int(1000 * ROAD_S * self._city.speed))
        await self._send_due(now, epoch, repeats=is_time or bool(self._inbox.ready))

    async def _take_answers(self) -> None:
        answers = self._inbox.answers[:BATCH]
        if answers:
            await self._pool.run(answering.take, answers, self._city.now_ms())
            del self._inbox.answers[: len(answers)]
            self.counters.answered += len(answers)

    async def _send_due(self, now_ms: int, epoch: int, *, repeats: bool) -> None:
        ready, self._inbox.ready = (self._inbox.ready, set()) if repeats else (set(), self._inbox.ready)
        due = await self._pool.run(
            outgoing.take,
            now_ms,
            epoch=epoch,
            is_simulation=self._city.is_simulation,
            reaches=self._reaches,
            outlook=self._line.outlook,
            quiet=self._quiet(ready) if repeats else None,
            most=BATCH,
        )
        if repeats:
            self._forget_answered(due)
        await self._settle(due.going, self._put_on_the_wire(due.going))

    def _put_on_the_wire(self, going: Sequence[Outgoing]) -> list[Posted]:
        """What became of each. What is over, or no longer ours to send because another process leads, stays here."""
        due = [(one, self._letter(one)) for one in going]
        letters = [letter for _, letter in due if letter.expires_in_s > 0 and self._leader.epoch is not None]
        posted = dict(zip((letter.id for letter in letters), self._line.post(letters), strict=True))
        return [posted.get(letter.id, Posted.AWAY) for _, letter in due]

    def _letter(self, one: Outgoing) -> Letter:
        told = one.instruction
        left_s = (told.expires_at_ms - self._city.now_ms()) / 1000 / max(self._city.speed, 0.01)
        expires_in_s = max(left_s, SHORTEST_EXPIRY_S) if left_s > 0 else 0.0
        return Letter(one.device, told.id, told.point, outgoing.write(one.codec, told), expires_in_s)

    async def _settle(self, going: Sequence[Outgoing], posted: Sequence[Posted]) -> None:
        """Fresh ones that found no way are given back, or end with the reason; repetitions are for another time."""
        away, refused = list[UUID](), dict[UUID, str]()
        for one, result in zip(going, posted, strict=True):
            if result.is_sent or (result.refusal and one.again):
                self._note(one)
            elif result.refusal:
                refused[one.id] = result.refusal
            else:
                away += [] if one.again else [one.id]
                self._away[one.device] = monotonic() + self._patience.away_s
        if away:
            self.counters.given_back += len(away)
            await self._pool.run(outgoing.give_back, away, self._city.now_ms())
        if refused:
            await self._pool.run(outgoing.refuse, refused, self._city.now_ms())

    def _reaches(self, device: str) -> bool:
        """Connected, and not found deaf a moment ago: a device may be online before it listens."""
        return self._line.reaches(device) and self._away.get(device, 0.0) <= monotonic()

    def _note(self, one: Outgoing) -> None:
        tries = self._tries.setdefault(one.id, Tries(0, 0.0))
        wait = min(self._patience.first_retry_s * 2.0 ** min(tries.count, 8), self._patience.longest_retry_s)
        tries.count, tries.due_at = tries.count + 1, monotonic() + wait
        self._devices[one.id] = one.device
        self.counters.repeated += one.again
        self.counters.sent += not one.again

    def _quiet(self, ready: set[str]) -> set[UUID]:
        """Ids that need no repetition yet; a device that has just come back has forgotten them."""
        now = monotonic()
        return {pk for pk, tries in self._tries.items() if tries.due_at > now and self._devices[pk] not in ready}

    def _forget_answered(self, due: Due) -> None:
        for pk in [pk for pk in self._tries if pk not in due.unanswered]:
            del self._tries[pk], self._devices[pk]


def sweep(now_ms: int, is_simulation: bool, road_ms: int) -> None:
    """Effects before expiry: what was measured in time counts."""
    verifying.verify(now_ms, is_simulation=is_simulation, road_ms=road_ms)
    expiring.sweep(now_ms, is_simulation=is_simulation)
