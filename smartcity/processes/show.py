# SPDX-License-Identifier: Apache-2.0
"""What browsers see live, and the server they see it from."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from channels.db import database_sync_to_async

from smartcity import declared, headlines, serving
from smartcity.control.pool import Pool
from smartcity.control.telling import Teller
from smartcity.devices.models import Series
from smartcity.forecasting import weather
from smartcity.hearts import Hearts
from smartcity.kernel.clock import clock
from smartcity.kernel.metrics import DataClass
from smartcity.processes.part import Part, Work
from smartcity.realtime.consumer import Live
from smartcity.realtime.hub import Hub, Place
from smartcity.telemetry import read

FRAME_S: Final = 0.5
HEADLINES_S: Final = 10.0
PLACES_S: Final = 30.0


def _calm() -> Mapping[str, Any]:
    return {"rate": {"readings_s": 0.0, "lag_s": 0.0}}


class Show(Part):
    """`pulse` gives what every frame carries beside the time: `rate`, and `notice` where people must be told that what
    they see is not what is."""

    def __init__(self, pulse: Callable[[], Mapping[str, Any]] = _calm) -> None:
        self.hub = Live.hub = Hub(self._frame)
        self._pulse = pulse
        self._pool = Pool(threads=1)
        self.teller = Teller(self.hub.tell, self._pool)

    async def open(self) -> None:
        await self._learn_places()
        await self.catch_up()

    async def catch_up(self) -> None:
        """Take the latest values from the store; older ones than are shown change nothing."""
        self.hub.values(await database_sync_to_async(_latest, thread_sensitive=False)())

    def work(self, hearts: Hearts) -> list[Work]:
        return [
            hearts.run("told of control", self._tell),
            hearts.every(FRAME_S, "live view", self._tick),
            hearts.every(HEADLINES_S, "headlines", self._headlines),
            hearts.every(PLACES_S, "places", self._learn_places),
        ]

    def vitals(self) -> Mapping[str, Callable[[], Any]]:
        return {
            "clock": lambda: {"at": clock.now_ms(), "speed": clock.speed, "ceiling": clock.anchor.ceiling},
            "weather": weather.vitals,
            "live_view": lambda: {"clients": Live.count, "frames_sent": self.hub.frames_sent},
        }

    def _frame(self) -> dict[str, Any]:
        face = {"at": clock.now_ms(), "mode": clock.mode, "speed": clock.speed, "ceiling": clock.anchor.ceiling}
        return {**face, **self._pulse()}

    async def _tell(self) -> None:
        try:
            await self.teller.run()
        finally:
            await self._pool.close()

    async def _tick(self) -> None:
        self.hub.tick()

    async def _headlines(self) -> None:
        self.hub.kpis(await database_sync_to_async(headlines.gather, thread_sensitive=False)(clock.now_ms()))

    async def _learn_places(self) -> None:
        self.hub.places, self.hub.personal = await database_sync_to_async(_places, thread_sensitive=False)()


class Web(Part):
    """The server for HTTP and WebSocket, while the part lives."""

    def __init__(self, application: Any, address: str, port: int, *, shares_port: bool = False) -> None:
        self._server = serving.server(application, address, port)
        self._sockets = [serving.shared(address, port)] if shares_port else None

    async def open(self) -> None:
        self._serving = asyncio.create_task(self._server.serve(self._sockets))
        up = asyncio.create_task(self._server.is_up.wait())
        await asyncio.wait((self._serving, up), return_when=asyncio.FIRST_COMPLETED)
        if not up.done():
            up.cancel()
            raise OSError("the web server does not start")

    async def close(self) -> None:
        self._server.should_exit = True
        with contextlib.suppress(SystemExit):
            await asyncio.wait([self._serving], timeout=2 * serving.GRACE_S)


def _latest() -> list[tuple[int, float, int, int]]:
    found = read.latest(Series.objects.filter(device__retired_at=None).values_list("pk", flat=True))
    return [(series, value.value, value.at_ms, value.quality) for series, value in found.items()]


def _places() -> tuple[dict[int, Place], frozenset[int]]:
    """Where each series is, and which of them are personal."""
    personal = [name for name, metric in declared.metrics().items() if metric.data_class is DataClass.PERSONAL]
    rows = Series.objects.values_list("pk", "device__asset__domain", "device__asset__zone__code")
    places = {pk: (domain, zone) for pk, domain, zone in rows.iterator(chunk_size=10_000)}
    return places, frozenset(Series.objects.filter(metric__in=personal).values_list("pk", flat=True))
