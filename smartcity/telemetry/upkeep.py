# SPDX-License-Identifier: Apache-2.0
"""What keeps the store in shape beside the road: rollups, sealing and retention, as endless tasks on the event loop.

All of it happens in the store's thread, step by short step, so that a batch never waits long.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Final

from channels.db import database_sync_to_async

from smartcity.telemetry import holds, retention, sealing
from smartcity.telemetry.buckets import HOUR_MS, UTC_DAY_MS
from smartcity.telemetry.engines import Unavailable
from smartcity.telemetry.retention import Swept
from smartcity.telemetry.sealing import Sealed
from smartcity.telemetry.store import Store

log = logging.getLogger(__name__)

TICK_S: Final = 1.0
MOST_MENDED: Final = 20
LOOK_S: Final = 10.0
FIRST_LOOK_S: Final = 60.0
STEP_PAUSE_S: Final = 0.005
FIRST_SEAL_S: Final = 120.0
SEAL_PAUSE_S: Final = 0.05


async def keep_rollups(store: Store, city_ms: Callable[[], int]) -> None:
    """Close quarters as city time passes them; make late quarters, hours and days again, some at a time."""
    while True:
        try:
            await store.do(store.close_quarters, city_ms())
            for _ in range(MOST_MENDED):
                if not await store.do(store.mend):
                    break
        except Unavailable as problem:
            log.warning("rollups wait for the database: %s", problem)
        except Exception:
            log.exception("rollups could not be kept; they are tried again")
            await asyncio.sleep(LOOK_S)
        await asyncio.sleep(TICK_S)


async def keep_retention(store: Store, city_ms: Callable[[], int]) -> None:
    """Once a city day, and once soon after a start: then everything is looked at. Where the city's database cannot say
    what is held, nothing is deleted."""
    await asyncio.sleep(FIRST_LOOK_S)
    since: int | None = None
    while True:
        try:
            if since is None or city_ms() // UTC_DAY_MS > since // UTC_DAY_MS:
                now = city_ms()
                swept = await _swept(store, now, since)
                since = now
                log.info("retention: %d readings, %d sealed, %d rollups, %d in quarantine, %d event batches, "
                         "partitions %s, kept %s",
                         swept.readings, swept.sealed, swept.rollups, swept.quarantined, swept.events, swept.partitions,
                         swept.kept)  # fmt: skip
        except Unavailable as problem:
            log.warning("retention waits for the database: %s", problem)
        except Exception:
            log.exception("retention failed; it is tried again")
        await asyncio.sleep(LOOK_S)


async def keep_sealed(store: Store, city_ms: Callable[[], int]) -> None:
    """Once a city hour: pack the days that are over; a step at a time, with pauses, because nobody waits for it."""
    await asyncio.sleep(FIRST_SEAL_S)
    hour = -1
    while True:
        try:
            if city_ms() // HOUR_MS > hour:
                hour = city_ms() // HOUR_MS
                done = Sealed()
                await _walk(store, sealing.seal(store, city_ms(), done), SEAL_PAUSE_S)
                if done.readings:
                    log.info("sealed: %d readings of %d days in %d bytes", done.readings, done.days, done.packed_bytes)
        except Unavailable as problem:
            log.warning("sealing waits for the database: %s", problem)
        except Exception:
            log.exception("sealing failed; it is tried again")
        await asyncio.sleep(LOOK_S)


def seal(store: Store, now_ms: int) -> Sealed:
    """All of it now, in this thread."""
    done = Sealed()
    steps = sealing.seal(store, now_ms, done)
    while _step(store, steps):
        pass
    return done


def retain(store: Store, now_ms: int, since_ms: int | None = None) -> Swept:
    """All of it now, in this thread."""
    swept = Swept()
    in_force, was_any = holds.ask()
    steps = retention.sweep(store, now_ms, swept, None if was_any else since_ms, in_force)
    while _step(store, steps):
        pass
    return swept


async def _swept(store: Store, now_ms: int, since_ms: int | None) -> Swept:
    swept = Swept()
    in_force, was_any = await database_sync_to_async(holds.ask, thread_sensitive=False)()
    since_ms = None if was_any else since_ms
    await _walk(store, retention.sweep(store, now_ms, swept, since_ms, in_force), STEP_PAUSE_S)
    return swept


async def _walk(store: Store, steps: Iterator[None], pause_s: float) -> None:
    is_more = True
    while is_more:
        is_more = await store.do(_step, store, steps)
        await asyncio.sleep(pause_s)


def _step(store: Store, steps: Iterator[None]) -> bool:
    with store.lock:
        return next(steps, steps) is not steps
