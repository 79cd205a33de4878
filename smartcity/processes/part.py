# SPDX-License-Identifier: Apache-2.0
"""A part of a city: what a process is assembled from, and how a process lives."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import stat
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from channels.db import database_sync_to_async
from django.db import DatabaseError

from smartcity import frontdoor, vitals
from smartcity.devices import time_zone
from smartcity.hearts import Hearts, Lag

ZONE_S: Final = 15.0
Work = Coroutine[Any, Any, None]
Say = Callable[[str], None]


class Part:
    """Built before the event loop runs; everything else happens on it. A kind of part overrides what it has."""

    async def open(self) -> None:
        """Ready to work. Raises what keeps it from that; the parts opened before it are then closed."""

    def work(self, hearts: Hearts) -> list[Work]:
        """Its tasks, each under a name by which its failures are counted; they are cancelled before `close`."""
        return []

    async def close(self) -> None:
        """Let go of everything."""

    def vitals(self) -> Mapping[str, Callable[[], Any]]:
        """What it says of itself, by name."""
        return {}

    def why_not_ready(self) -> str:
        """Empty when it does its work."""
        return ""


async def live(parts: Sequence[Part], say: Say, welcome: Callable[[], Coroutine[Any, Any, str]]) -> None:
    """Open the parts in order, let them work until a signal asks to stop, close them in the opposite order."""
    ending, hearts, lag = asyncio.Event(), Hearts(), Lag()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    _end_with_the_parent(ending)
    for part in parts:
        vitals.sources.update(part.vitals())
    vitals.sources["event_loop"] = lambda: {"worst_lag_ms": round(lag.worst_ms, 1)}
    vitals.sources["memory"] = lambda: {"resident_mb": vitals.memory_mb()}
    vitals.sources["tasks"] = lambda: hearts.all
    async with AsyncExitStack() as opened:
        for part in parts:
            await part.open()
            opened.push_async_callback(part.close)
        frontdoor.readiness.why_not = lambda: why_not_ready(parts)
        _spare_the_collector()
        works = [hearts.run("event loop", lag.watch), hearts.every(ZONE_S, "time zone", _follow_the_map)]
        works += [work for part in parts for work in part.work(hearts)]
        tasks = [asyncio.create_task(work) for work in works]
        say(await welcome())
        await ending.wait()
        say("Stopping: what is still on the road is carried to its end.")
        frontdoor.readiness.why_not = lambda: "it is stopping"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    say("Stopped. Starting again continues where it stood.")


async def _follow_the_map() -> None:
    """An import in another process may have brought the city another time zone."""
    with contextlib.suppress(DatabaseError):  # whoever needs the database says that it is away
        await database_sync_to_async(time_zone.learn)()


def _end_with_the_parent(ending: asyncio.Event) -> None:
    """Where standard input is a line to whoever started this process, its closing asks to stop as a signal does."""
    mode = os.fstat(0).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        loop = asyncio.get_running_loop()

        def listen() -> None:
            if not os.read(0, 4096):
                loop.remove_reader(0)
                ending.set()

        loop.add_reader(0, listen)


def why_not_ready(parts: Sequence[Part]) -> str:
    return next((reason for part in parts if (reason := part.why_not_ready())), "")


def _spare_the_collector() -> None:
    """What stands now stays for ever: keep it out of every full collection, which would hold the loop for 100 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
