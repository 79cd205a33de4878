# SPDX-License-Identifier: Apache-2.0
"""A city that does nothing but take readings, as a process that may be killed: gateway, pipeline and store.

    python -m tests.ingest.road_process PORT [NAMES] [MS]

NAMES are the databases' names as JSON (alias → name), because tests have databases of their own. With MS, the
instant of city time it begins at, it ends with its standard input and follows what is written there, a line each, and
says so when it is done:

    at MS    it is this instant of city time from now on
    tidy     close the quarters that have ended, make late ones again, pack the days that are over
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smartcity.telemetry.store import Store


class ToldClock:
    def __init__(self, now_ms: int) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        return self.now


async def serve(port: int, begins_ms: int | None) -> None:
    from smartcity.ingest import pipeline
    from smartcity.kernel.clock import clock
    from smartcity.transports.inbox import BoundedInbox
    from smartcity.transports.mqtt.gateway import Gateway

    told = ToldClock(begins_ms or 0)
    city_ms = clock.now_ms if begins_ms is None else told.now_ms
    inbox = BoundedInbox()
    road = pipeline.build(inbox, lambda news: None, lambda acks: None, lambda told: None, city_ms=city_ms)
    await road.open()
    gateway = Gateway(inbox, road.registry, city_ms=city_ms)
    await gateway.serve(port=port)
    print("ready", flush=True)
    carrying = asyncio.create_task(road.run())
    if begins_ms is not None:
        await follow(told, road.store)
        await gateway.close()
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        await road.close()
    else:
        await carrying


async def follow(clock: ToldClock, store: Store) -> None:
    """Until the standard input ends."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).split():
        if line[0] == b"at":
            clock.now = int(line[1])
        else:
            await store.do(tidy, store, clock.now)
        print(*(word.decode() for word in line), flush=True)


def tidy(store: Store, now_ms: int) -> None:
    from smartcity.telemetry import upkeep

    store.close_quarters(now_ms)
    store.mend_all()
    upkeep.seal(store, now_ms)


def main(port: str, names: str = "{}", begins_ms: str = "") -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcity.settings")
    from django.conf import settings

    for alias, name in json.loads(names).items():
        settings.DATABASES[alias]["NAME"] = name
    import django

    django.setup()
    from smartcity.devices import time_zone

    time_zone.learn()  # the database is not asked from within the loop
    asyncio.run(serve(int(port), int(begins_ms) if begins_ms else None))


if __name__ == "__main__":
    main(*sys.argv[1:])
