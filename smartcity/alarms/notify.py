# SPDX-License-Identifier: Apache-2.0
"""Sends what is owed. Each message goes by itself, so a push service that hangs delays nobody else's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from smartcity.alarms import addresses, mail, outbox, push, wording
from smartcity.alarms.models import Notice
from smartcity.alarms.outcome import Outcome
from smartcity.alarms.thread import OwnThread

LOOK_EVERY_S: Final = 1.0
AT_ONCE: Final = 16
PER_HOST: Final = 6


class Notifier:
    """`await run()` for ever; `counters` say how many were sent, put off, refused and given up. It begins nothing
    while `may` says no: then another process sends."""

    def __init__(self, *, look_every_s: float = LOOK_EVERY_S, may: Callable[[], bool] = lambda: True) -> None:
        self.counters: Counter[str] = Counter()
        self._look_every_s, self._may = look_every_s, may
        self._thread = OwnThread("notices")
        self._senders = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="send-notice")
        self._busy: dict[int, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        try:
            while True:
                if self._may():
                    await self.look()
                await asyncio.sleep(self._look_every_s)
        finally:
            for task in self._tasks:
                task.cancel()

    async def look(self) -> None:
        """Begin to send what is due and not under way."""
        room = AT_ONCE - len(self._busy)
        if room <= 0:
            return
        for notice in await self._thread.run(outbox.due, list(self._busy), 4 * AT_ONCE):
            host = _host(notice)
            if len(self._busy) >= AT_ONCE or list(self._busy.values()).count(host) >= PER_HOST:
                continue
            self._busy[notice.pk] = host
            task = asyncio.create_task(self._one(notice))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until nothing is under way; for tests and for the end."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        await self.settled()
        self._senders.shutdown(wait=False)
        await self._thread.close()

    async def _one(self, notice: Notice) -> None:
        try:
            needless = outbox.needless(notice)
            if needless:
                self.counters["needless"] += 1
                return await self._thread.run(outbox.give_up, notice, needless)
            outcome = await asyncio.get_running_loop().run_in_executor(self._senders, _send, notice)
            self.counters[type(outcome).__name__.lower()] += 1
            await self._thread.run(outbox.settle, notice, outcome)
        finally:
            del self._busy[notice.pk]


def _host(notice: Notice) -> str:
    return addresses.host(notice.subscription.endpoint) if notice.subscription else notice.channel


def _send(notice: Notice) -> Outcome:
    """In a sender's thread; everything it needs came with the notice, so it asks no database."""
    message = wording.of(notice.alarm)
    if notice.subscription is not None:
        return push.send(notice.subscription, message)
    return mail.send(notice.address, message, notice.alarm)
