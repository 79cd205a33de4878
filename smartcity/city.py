# SPDX-License-Identifier: Apache-2.0
"""The embedded city: one process, one event loop, every part wired to the next by a plain call.

Messages: gateway, /ingest and CoAP → inbox → pipeline → store; after the commit live view and loops learn of it.
Commands: loops and people → tables → dispatcher → gateway → device → acknowledgement → measured effect.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings

from smartcity import frontdoor, headlines, serving, timekeeping, vitals
from smartcity.alarms.evaluate import Evaluator
from smartcity.alarms.notify import Notifier
from smartcity.asgi import application
from smartcity.children import Child
from smartcity.control import braking, retention
from smartcity.control.centre import Control
from smartcity.control.dispatch import over
from smartcity.control.unproven import Unproven
from smartcity.devices.models import Series
from smartcity.devices.naming import city_name
from smartcity.hearts import Hearts, Lag
from smartcity.ingest import bridging, coap_door
from smartcity.ingest import pipeline as pipelines
from smartcity.ingest.pipeline import Committed
from smartcity.kernel import clock as clocks
from smartcity.kernel import pace
from smartcity.kernel.clock import clock
from smartcity.realtime.consumer import Live
from smartcity.realtime.hub import Hub
from smartcity.telemetry import read, upkeep
from smartcity.transports.http import Ingest
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.mqtt import encryption
from smartcity.transports.mqtt.gateway import Gateway

FRAME_S, HEADLINES_S, ALARMS_S, CLOCK_S, PLACES_S, SAVE_S = 0.5, 10.0, 1.0, 1.0, 30.0, 10.0
EVENTS_S, STREET_S, COMPARE_S = 600.0, 10.0, 60.0
Say = Callable[[str], None]


class City:
    """Web, gateway, pipeline, loops, alarms and live view on one loop; the street and the forecasters beside it."""

    def __init__(self, address: str, port: int, *, twin: bool, say: Say) -> None:
        self.address, self.port, self.twin, self.say = address, port, twin, say
        self.hearts, self.lag = Hearts(), Lag()
        self.street, self._street_written = settings.VAR / "street.json", 0
        self.children: list[Child] = []
        self.inbox = BoundedInbox()
        self.hub = Live.hub = Hub(self._frame)
        self.road = pipelines.build(self.inbox, self._committed, self._acknowledged, lambda announced: None)
        self.gateway = Gateway(self.inbox, self.road.registry, city_ms=clock.now_ms)
        self.encryption = encryption.offered(
            settings.MQTT_CERTIFICATE, settings.MQTT_KEY,
            client_ca=settings.MQTT_CLIENT_CA, certificates_only=settings.MQTT_CERTIFICATES_ONLY,
        )  # fmt: skip
        self.http = Ingest(self.inbox, self.road.registry, city_ms=clock.now_ms)
        self.coap = coap_door.build(self.inbox, self.road.registry, city_ms=clock.now_ms)
        self.bridge = bridging.build(self.inbox, self.road.registry, city_ms=clock.now_ms)
        self.control = Control(over(self.gateway, self.bridge), tell=self.hub.tell)
        self.gateway.on_ready = self.control.on_ready
        self.road.registry.on_revoked = self.gateway.disconnect
        self.notifier = Notifier()
        self.alarms = Evaluator(
            on_change=self._alarms_changed,
            unproven=Unproven().look,
            stopped=braking.stopped,
            clocks=self.road.clocks.off,
        )
        self.ahead_s: float | None = None
        self.server = serving.server(application, address, port)
        vitals.sources.update(self._vitals())

    async def run(self) -> None:
        """Until a signal asks to stop; then everything ends in the order that loses nothing."""
        ending = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ending.set)
        await self._open()
        _spare_the_collector()
        tasks = [asyncio.create_task(work) for work in self._work()]
        await self._welcome()
        await ending.wait()
        self.say("Stopping: the street first, then the doors, then what is still on the road.")
        await self._close(tasks)
        self.say("Stopped. Starting again continues where the city stood.")

    async def _open(self) -> None:
        frontdoor.ingest = self.http
        await self.road.open()
        await self._learn_places()
        self.hub.values(await database_sync_to_async(_latest, thread_sensitive=False)())
        await self._listen_for_devices()
        self.web = asyncio.create_task(self.server.serve())
        await self.server.is_up.wait()
        frontdoor.readiness.why_not = self._why_not_ready

    async def _listen_for_devices(self) -> None:
        """In the clear on one address, by default the loopback; with TLS beside it where a certificate is given, and
        by CoAP where an address for it is."""
        host, _, port = settings.MQTT_ADDRESS.rpartition(":")
        await self.gateway.serve(host, int(port))
        if self.encryption:
            host, _, port = settings.MQTT_TLS_ADDRESS.rpartition(":")
            await self.gateway.serve(host, int(port), self.encryption)
        if self.coap:
            await coap_door.listen(self.coap)

    async def _close(self, tasks: list[asyncio.Task[None]]) -> None:
        frontdoor.readiness.why_not = lambda: "it is stopping"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.alarms.close()
        await self.notifier.close()
        self.server.should_exit = True
        await asyncio.wait([self.web], timeout=2 * serving.GRACE_S)
        await self.gateway.close()
        if self.coap:
            await self.coap.close()
        await self.road.close()
        if clock.is_simulation:
            clocks.save(clock.anchor, settings.VAR / "clock.json")

    def _work(self) -> list[Coroutine[Any, Any, None]]:
        """Every task of the city. Each has a name under which its failures are counted."""
        run, every = self.hearts.run, self.hearts.every
        work = [
            run("pipeline", self.road.run),
            run("control", self.control.run),
            run("rollups", lambda: upkeep.keep_rollups(self.road.store, clock.now_ms)),
            run("sealing", lambda: upkeep.keep_sealed(self.road.store, clock.now_ms)),
            run("retention", lambda: upkeep.keep_retention(self.road.store, clock.now_ms)),
            run("notices", self.notifier.run),
            run("event loop", self.lag.watch),
            *([run("bridge", self.bridge.run)] if self.bridge else []),
            every(FRAME_S, "live view", self._tick),
            every(HEADLINES_S, "headlines", self._headlines),
            every(ALARMS_S, "alarms", self._evaluate),
            every(PLACES_S, "places", self._learn_places),
            every(CLOCK_S, "clock", self._govern),
            every(STREET_S, "street", self._follow_street),
            every(EVENTS_S, "event log", self._forget_events),
            every(SAVE_S, "clock file", self._save_clock),
            every(COMPARE_S, "server clock", self._compare_clocks),
        ]
        self.children = self._children()
        return [*work, *(run(child.name, child.run) for child in self.children)]

    def _children(self) -> list[Child]:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        commands = {"forecasts": ["manage.py", "refreshforecasts", "--follow", self._url]}
        if self.twin and self.street.exists():
            doors = ["--mqtt", settings.MQTT_ADDRESS, "--http", self._url]
            commands["twin"] = ["-m", "smartcity.twin", "--street", str(self.street), *doors]
        return [Child(name, command, environment, settings.ROOT) for name, command in commands.items()]

    @property
    def _url(self) -> str:
        host = "127.0.0.1" if self.address in ("0.0.0.0", "::") else self.address
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    async def _welcome(self) -> None:
        name = await database_sync_to_async(city_name)()
        speed = f", up to {clock.anchor.ceiling:g} times real time" if clock.is_simulation else ""
        self.say(f"{name} is running ({clock.mode}{speed}): {self._url}   Ctrl-C stops it.")

    # What happens after a commit, an acknowledgement, a change of alarms: marks only, never a query.

    def _committed(self, news: Committed) -> None:
        columns = (news.series, news.value, news.at, news.quality)
        self.hub.values(zip(*(column.tolist() for column in columns), strict=True))

    def _acknowledged(self, acks: Any) -> None:
        self.control.on_ack(acks)

    def _alarms_changed(self, items: list[dict[str, Any]]) -> None:
        self.hub.tell("alarms", items, standing=True)

    # What beats.

    async def _tick(self) -> None:
        self.hub.tick()

    async def _headlines(self) -> None:
        self.hub.kpis(await database_sync_to_async(headlines.gather, thread_sensitive=False)(clock.now_ms()))

    async def _evaluate(self) -> None:
        await self.alarms.tick(clock.now_ms())

    async def _learn_places(self) -> None:
        self.hub.places = await database_sync_to_async(_places, thread_sensitive=False)()

    async def _forget_events(self) -> None:
        await database_sync_to_async(retention.forget_events, thread_sensitive=False)(clock.now_ms())

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

    async def _compare_clocks(self) -> None:
        """Where city time is the wall's, it must be the database server's too."""
        self.ahead_s = None
        if not clock.is_simulation:
            self.ahead_s = await database_sync_to_async(timekeeping.ahead_s, thread_sensitive=False)()

    async def _govern(self) -> None:
        """Simulated time yields to the slowest: the pipeline, a loop that has not decided, or the street itself."""
        if not clock.is_simulation:
            return
        street_ms = frontdoor.follower.at_ms
        behind = (clock.now_ms() - street_ms) / 1000 / clock.speed if self.twin and street_ms else 0.0
        oldest_s, stretch = self.road.health().oldest_s, self.control.fast_stretch()
        load = pace.Load(oldest_s, self.control.oldest_undecided_s(), behind, stretch)
        speed = pace.next_speed(clock.speed, clock.anchor.ceiling, load)
        if speed != clock.speed:
            clock.run_at(speed)

    def _why_not_ready(self) -> str:
        return "the telemetry database takes nothing" if self.road.health().database_down_s else ""

    def _vitals(self) -> dict[str, Callable[[], Any]]:
        return {
            "clock": lambda: {"at": clock.now_ms(), "speed": clock.speed, "ceiling": clock.anchor.ceiling},
            "server_clock": lambda: {"ahead_s": self.ahead_s},
            "device_clocks": self.road.clock_health,
            "event_loop": lambda: {"worst_lag_ms": round(self.lag.worst_ms, 1)},
            "memory": lambda: {"resident_mb": vitals.memory_mb()},
            "tasks": lambda: self.hearts.all,
            "pipeline": self.road.health,
            "loops": lambda: self.control.loops,
            "notices": lambda: self.notifier.counters,
            "gateway": lambda: self.gateway.counters,
            "http": lambda: {"answers": self.http.answers},
            "coap": lambda: self.coap.counters if self.coap else None,
            "bridge": lambda: self.bridge.health() if self.bridge else None,
            "live_view": lambda: {"clients": Live.count, "frames_sent": self.hub.frames_sent},
        }

    def _frame(self) -> dict[str, Any]:
        health = self.road.health()
        rate = {"readings_s": round(health.readings_s, 1), "lag_s": round(health.lag_s, 2)}
        face = {"at": clock.now_ms(), "mode": clock.mode, "speed": clock.speed, "ceiling": clock.anchor.ceiling}
        return face | {"rate": rate}


def _spare_the_collector() -> None:
    """What stands now stays for ever: keep it out of every full collection, which would hold the loop for 100 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _latest() -> list[tuple[int, float, int, int]]:
    found = read.latest(Series.objects.filter(device__retired_at=None).values_list("pk", flat=True))
    return [(series, value.value, value.at_ms, value.quality) for series, value in found.items()]


def _places() -> dict[int, tuple[str, str]]:
    rows = Series.objects.values_list("pk", "device__asset__domain", "device__asset__zone__code")
    return {pk: (domain, zone) for pk, domain, zone in rows.iterator(chunk_size=10_000)}
