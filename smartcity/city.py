# SPDX-License-Identifier: Apache-2.0
"""The embedded city: one process, one event loop, every part wired to the next by a plain call.

Messages: gateway, /ingest and CoAP → inbox → pipeline → store; after the commit live view and loops learn of it.
Commands: loops and people → tables → dispatcher → gateway → device → acknowledgement → measured effect.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Mapping
from typing import Any, Final

from channels.db import database_sync_to_async
from django.conf import settings

from smartcity import frontdoor
from smartcity.asgi import application
from smartcity.children import Child
from smartcity.control.line import over
from smartcity.devices.naming import city_name
from smartcity.hearts import Hearts
from smartcity.ingest.pipeline import Committed
from smartcity.kernel import clock as clocks
from smartcity.kernel import pace
from smartcity.kernel.clock import clock
from smartcity.processes import part
from smartcity.processes.intake import Intake
from smartcity.processes.part import Part, Say, Work
from smartcity.processes.server_clock import ServerClock
from smartcity.processes.show import Show, Web
from smartcity.processes.steering import Steering
from smartcity.twin.follower import KEY

CLOCK_S: Final = 1.0
SAVE_S: Final = 10.0
STREET_S: Final = 10.0


class City(Part):
    """Web, gateway, pipeline, loops, alarms and live view on one loop; the street and the forecasters beside it."""

    def __init__(self, address: str, port: int, *, twin: bool, say: Say) -> None:
        self.address, self.port, self.twin, self.say = address, port, twin, say
        self.intake = Intake()
        self.show = Show(self._pulse)
        self.web = Web(application, address, port)
        line = over(self.intake.gateway, self.intake.bridge)
        self.steering = Steering(line, self._alarms_changed, clocks=self.intake.road.clocks.off)
        self.street, self._street_written = settings.VAR / "street.json", 0
        self.children: list[Child] = []
        self.intake.on_commit, self.intake.on_ack = self._committed, self.steering.on_ack
        self.intake.gateway.on_ready = self.steering.control.on_ready

    async def run(self) -> None:
        """Until a signal asks to stop; then everything ends in the order that loses nothing."""
        parts = (self, ServerClock(), self.intake, self.show, self.web, self.steering)
        await part.live(parts, self.say, self._welcome)

    # as a part: simulated time, the street and the forecasters

    def work(self, hearts: Hearts) -> list[Work]:
        """Every task of the city's own. Children are started when the others stand."""
        self.children = self._children()
        return [
            hearts.every(CLOCK_S, "clock", self._govern),
            hearts.every(STREET_S, "street", self._follow_street),
            hearts.every(SAVE_S, "clock file", self._save_clock),
            *(hearts.run(child.name, child.run) for child in self.children),
        ]

    async def close(self) -> None:
        if clock.is_simulation:
            clocks.save(clock.anchor, settings.VAR / "clock.json")

    def _children(self) -> list[Child]:
        frontdoor.follower.key = secrets.token_hex(16)
        street = {KEY: frontdoor.follower.key}
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} | street
        commands = {"forecasts": ["manage.py", "refreshforecasts", "--follow", self._url]}
        if self.twin and self.street.exists():
            doors = ["--mqtt", settings.MQTT_ADDRESS, "--http", self._url]
            commands["twin"] = ["-m", "smartcity.twin", "--street", str(self.street), *doors]
            if clock.is_simulation:  # the street has a weather service of its own
                environment.setdefault("SMARTCITY_WEATHER", f"recorded:{settings.VAR / 'weather'}")
        return [Child(name, command, environment, settings.ROOT) for name, command in commands.items()]

    @property
    def _url(self) -> str:
        host = "127.0.0.1" if self.address in ("0.0.0.0", "::") else self.address
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    async def _welcome(self) -> str:
        name = await database_sync_to_async(city_name)()
        speed = f", up to {clock.anchor.ceiling:g} times real time" if clock.is_simulation else ""
        return f"{name} is running ({clock.mode}{speed}): {self._url}   Ctrl-C stops it."

    # What happens after a commit, or a change of alarms: marks only, never a query.

    def _committed(self, news: Committed) -> None:
        columns = (news.series, news.value, news.at, news.quality)
        self.show.hub.values(zip(*(column.tolist() for column in columns), strict=True))

    def _alarms_changed(self, items: list[dict[str, Any]]) -> None:
        self.show.hub.tell("alarms", items, standing=True)

    def _pulse(self) -> Mapping[str, Any]:
        health = self.intake.road.health()
        return {"rate": {"readings_s": round(health.readings_s, 1), "lag_s": round(health.lag_s, 2)}}

    # What beats.

    async def _follow_street(self) -> None:
        """After an import the simulated devices are others."""
        written = self.street.stat().st_mtime_ns if self.street.exists() else 0
        if self._street_written not in (0, written):
            for child in self.children:
                if child.name == "twin":
                    child.again()
        self._street_written = written

    async def _save_clock(self) -> None:
        """In a thread: on a busy disk the rename alone takes 100 ms."""
        if clock.is_simulation:
            await asyncio.to_thread(clocks.save, clock.anchor, settings.VAR / "clock.json")

    async def _govern(self) -> None:
        """Simulated time yields to the slowest: the pipeline, a loop that has not decided, or the street itself."""
        if not clock.is_simulation:
            return
        street_ms = frontdoor.follower.at_ms
        behind = (clock.now_ms() - street_ms) / 1000 / clock.speed if self.twin and street_ms else 0.0
        control = self.steering.control
        oldest_s, stretch = self.intake.road.health().oldest_s, control.fast_stretch()
        load = pace.Load(oldest_s, control.oldest_undecided_s(), behind, stretch)
        speed = pace.next_speed(clock.speed, clock.anchor.ceiling, load)
        if speed != clock.speed:
            clock.run_at(speed)
