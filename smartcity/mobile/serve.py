# SPDX-License-Identifier: Apache-2.0
"""Serving the pages for phones until a signal asks to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, connections

from smartcity import frontdoor, serving
from smartcity.devices.models import Asset
from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import clock
from smartcity.mobile.asgi import application

LOOK_S = 5.0


async def serve(address: str, port: int, say: Callable[[str], None]) -> None:
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    server = serving.server(application, address, port)
    web = asyncio.create_task(server.serve())
    looking = asyncio.create_task(_look_around())
    await server.is_up.wait()
    say(f"Pages for phones ({clock.mode}): http://{address}:{port}   Ctrl-C stops them.")
    await ending.wait()
    looking.cancel()
    server.should_exit = True
    await asyncio.wait([web], timeout=2 * serving.GRACE_S)


async def _look_around() -> None:
    """Whether the database answers, and what time the city has."""
    while True:
        problem = await sync_to_async(_look, thread_sensitive=False)()
        frontdoor.readiness.why_not = lambda said=problem: said  # type: ignore[misc]
        await asyncio.sleep(LOOK_S)


def _look() -> str:
    """Empty, or why no page can be shown. A simulated street's time lies in the folder of the process that keeps it."""
    try:
        is_simulated = Asset.objects.filter(simulated=True, missing_since=None).exists()
    except Error as error:
        return str(error)
    finally:
        connections.close_all()
    anchor = clocks.load(settings.VAR / "clock.json") if is_simulated else None
    if anchor is not None:
        clock.adopt(anchor)
    return ""
