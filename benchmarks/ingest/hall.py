# SPDX-License-Identifier: Apache-2.0
"""A server of the live view and nothing else: the product's, or `websockets.broadcast` with the same frames.

    python -m benchmarks.ingest.hall ours|limit PORT

Says `ready`. For each line `TICKS SECONDS_BETWEEN` it tells everybody so often that a hundred sensors changed, and
answers with the CPU-seconds this process has used for it. `ours` adds the cookie of somebody signed in to `ready`.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Final

import django
import uvloop

CHANGED: Final = 100
Tick = Callable[[], Awaitable[None]]


def values(turns: Iterator[int]) -> list[tuple[int, float, int, int]]:
    turn = next(turns)
    at = time.time_ns() // 1_000_000
    return [(n, round(40 + (turn * 7 + n) % 500 / 10, 4), at, 0) for n in range(1, CHANGED + 1)]


async def ours(port: int) -> tuple[Tick, str]:
    """Hub, consumer, sessions and uvicorn as the city has them."""
    from smartcity import serving
    from smartcity.asgi import application
    from smartcity.realtime.consumer import Live
    from smartcity.realtime.hub import Hub

    hub = Live.hub = Hub(_face)
    server = serving.server(application, "127.0.0.1", port)
    _tasks.append(asyncio.create_task(server.serve()))
    await server.is_up.wait()
    turns = count()

    async def tick() -> None:
        hub.values(values(turns))
        hub.tick()

    return tick, await asyncio.to_thread(signed_in)


async def limit(port: int) -> tuple[Tick, str]:
    """The same bytes by the library's own means for telling everybody the same."""
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    from smartcity.api.access import EVERYWHERE
    from smartcity.realtime.hub import Hub, Sight

    hub, turns, frames = Hub(_face), count(), list[str]()

    async def keep(frame: str) -> None:
        frames[:] = [frame]

    hub.join(Sight(EVERYWHERE, EVERYWHERE), keep)

    async def stay(connection: ServerConnection) -> None:
        await connection.send(frames[0])
        await connection.wait_closed()

    server = await serve(stay, "127.0.0.1", port, compression=None)

    async def tick() -> None:
        hub.values(values(turns))
        hub.tick()
        broadcast(server.connections, frames[0])

    return tick, ""


def signed_in() -> str:
    """A session of the administrator, made without the page for it."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client()
    client.force_login(get_user_model().objects.get(username="admin"))
    return client.cookies["sessionid"].value


def _face() -> dict[str, object]:
    return {"at": time.time_ns() // 1_000_000, "mode": "live", "speed": 1, "ceiling": 1}


_tasks: list[asyncio.Task[None]] = []


async def main(which: str, port: int) -> None:
    tick, cookie = await {"ours": ours, "limit": limit}[which](port)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # as the city has it (smartcity/city.py)
    print(f"ready {cookie}", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        ticks, between_s = line.split()
        spent, began = time.process_time(), loop.time()
        for n in range(int(ticks)):
            await tick()
            await asyncio.sleep(began + (n + 1) * float(between_s) - loop.time())
        print(time.process_time() - spent, flush=True)


if __name__ == "__main__":
    django.setup()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2])))
