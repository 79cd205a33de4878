# SPDX-License-Identifier: Apache-2.0
"""What each kind of process hears of what others do, and tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

import msgspec
from django.conf import settings

from smartcity.alarms.telling import Items, News
from smartcity.alarms.thread import OwnThread
from smartcity.bus import feed
from smartcity.bus.words import Said
from smartcity.control import loops
from smartcity.control.acks import AckMessage
from smartcity.control.line import over
from smartcity.control.loops import LoopState
from smartcity.hearts import Hearts
from smartcity.ingest.pipeline import Committed
from smartcity.kernel.clock import clock
from smartcity.processes.doors import Doors
from smartcity.processes.far_line import FarLine
from smartcity.processes.intake import Intake
from smartcity.processes.part import Part, Work
from smartcity.processes.show import Show
from smartcity.processes.steering import Steering
from smartcity.processes.topics import ANSWERS, CLOCKS, CLOCKS_S, LOOPS, LOST_AFTER_S, PRESENCE, ROLL_CALL
from smartcity.processes.whereabouts import Whereabouts
from smartcity.processes.wire import Wire

ALARMS_S: Final = 1.0
NO_VALUES: Final = "Values stand still: Redis, which passes them on, does not answer. Devices and control go on."
NO_INGEST: Final = "Values stand still: no process takes in what devices say."
NO_CONTROL: Final = "No process decides: loops, commands and alarms stand still."


class Outlet(Part):
    """An ingester's side: what it commits goes to the screens, what devices answer to whoever leads."""

    def __init__(self, wire: Wire, intake: Intake) -> None:
        self.values = feed.Sender(settings.REDIS_URL)
        self.doors = Doors(
            wire.bus, intake.gateway, intake.bridge, over(intake.gateway, intake.bridge), city_ms=clock.now_ms
        )
        intake.on_commit, intake.on_ack = self._committed, self.doors.answered
        intake.gateway.on_ready, intake.gateway.on_gone = self.doors.on_ready, self.doors.on_gone
        wire.on_beat.append(self.doors.beat)
        self._bus, self._clocks = wire.bus, intake.road.clocks

    def work(self, hearts: Hearts) -> list[Work]:
        return [
            hearts.run("values out", self.values.run),
            hearts.every(CLOCKS_S, "device clocks", self._tell_clocks),
        ]

    def vitals(self) -> Mapping[str, Callable[[], Any]]:
        values = self.values
        return {
            "doors": lambda: self.doors.counters,
            "values_out": lambda: {"sent": values.sent, "dropped": values.dropped, "stands": not values.problem},
        }

    async def _tell_clocks(self) -> None:
        self._bus.say(CLOCKS, [["all"], *([device, s] for device, s in self._clocks.off(clock.speed).items())])

    def _committed(self, news: Committed) -> None:
        self.values.put((news.series, news.at, news.value, news.quality))


class Bench(Part):
    """The side of a process that decides: where devices are, what they answered, and word of its loops."""

    def __init__(self, wire: Wire) -> None:
        self._bus = wire.bus
        self.whereabouts = Whereabouts()
        self.line = FarLine(wire.bus, self.whereabouts)
        self._clocks: dict[str, tuple[float, dict[int, float]]] = {}
        self.steering = Steering(self.line, clocks=self._clocks_off)
        self.line.leader = self.steering.control.leader
        wire.bus.listen(PRESENCE, self._on_presence)
        wire.bus.listen(ANSWERS, self._on_answers)
        wire.bus.listen(CLOCKS, self._on_clocks)
        wire.on_beat.append(self._beat)

    def vitals(self) -> Mapping[str, Callable[[], Any]]:
        return {"whereabouts": lambda: {"devices": self.whereabouts.count()}}

    def _on_presence(self, said: Said) -> None:
        came, is_incomplete = self.whereabouts.take(said.sender, said.items)
        if is_incomplete:
            self._bus.say(ROLL_CALL, [said.sender])
        if self.steering.leads:
            for device in came:
                self.steering.control.on_ready(device)

    def _on_clocks(self, said: Said) -> None:
        """A long list comes in several messages, the first of which begins anew. What another thread reads is never
        changed."""
        offsets = {} if said.items[0] == ["all"] else self._clocks.get(said.sender, (0.0, {}))[1]
        offsets = offsets | {int(item[0]): float(item[1]) for item in said.items if len(item) == 2}
        self._clocks[said.sender] = (monotonic(), offsets)

    def _clocks_off(self, speed: float) -> Mapping[int, float]:
        since = monotonic() - 3 * CLOCKS_S
        told = [offsets for at, offsets in tuple(self._clocks.values()) if at >= since]
        return {device: s for offsets in told for device, s in offsets.items()}

    def _on_answers(self, said: Said) -> None:
        self.steering.on_ack([AckMessage(*item) for item in said.items])

    def _beat(self) -> None:
        self.whereabouts.forget_the_dead()
        if self.steering.leads:
            self._bus.say(LOOPS, [msgspec.to_builtins(state) for state in self.steering.control.loops.values()])


class Audience(Part):
    """A web process's side: values, alarms and the course of the loops, as others say them; `notice` is what people
    must know where they do not."""

    def __init__(self, wire: Wire) -> None:
        self._peers = wire.peers
        self.show = Show(self._pulse)
        self._values = feed.Receiver(settings.REDIS_URL, self._on_values, self._on_joined)
        self._thread, self._news = OwnThread("alarm news"), News()
        self._missed = asyncio.Event()
        self._loops_at = float("-inf")
        self._began = monotonic()
        wire.bus.listen(LOOPS, self._on_loops)
        wire.on_beat.append(self._forget_loops)

    def work(self, hearts: Hearts) -> list[Work]:
        return [
            hearts.run("values in", self._values.run),
            hearts.run("catching up", self._catch_up),
            hearts.every(ALARMS_S, "alarm news", self._tell_alarms),
        ]

    async def close(self) -> None:
        await self._thread.close()

    def vitals(self) -> Mapping[str, Callable[[], Any]]:
        values = self._values
        return {
            "values_in": lambda: {
                "received": values.received,
                "stands": not values.problem,
                "problem": values.problem,
            }
        }

    def notice(self) -> str:
        """Empty while all is well, and in the first moments, when nobody has been heard yet."""
        if monotonic() - self._began < LOST_AFTER_S:
            return ""
        said = [
            NO_INGEST if not self._peers.alive("ingest") else NO_VALUES if self._values.problem else "",
            NO_CONTROL if not any(told.epoch for told in self._peers.alive("control").values()) else "",
        ]
        return " ".join(filter(None, said))

    def _pulse(self) -> Mapping[str, Any]:
        ingesters = self._peers.alive("ingest").values()
        rate = {
            "readings_s": round(sum(told.readings_s for told in ingesters), 1),
            "lag_s": round(max((told.lag_s for told in ingesters), default=0.0), 2),
        }
        notice = self.notice()
        return {"rate": rate, "notice": notice} if notice else {"rate": rate}

    def _on_values(self, columns: feed.Columns) -> None:
        series, at, value, quality = (column.tolist() for column in columns)
        self.show.hub.values(zip(series, value, at, quality, strict=True))

    def _on_joined(self) -> None:
        self._missed.set()

    async def _catch_up(self) -> None:
        """What was sent before the line stood is in the store."""
        while True:
            await self._missed.wait()
            self._missed.clear()
            await self.show.catch_up()

    async def _tell_alarms(self) -> None:
        items: Items = await self._thread.run(self._news.look, clock.now_ms(), clock.speed)
        if items:
            self.show.hub.tell("alarms", items, standing=True)

    def _on_loops(self, said: Said) -> None:
        self._loops_at = monotonic()
        loops.running.update({item["name"]: LoopState(**item) for item in said.items})

    def _forget_loops(self) -> None:
        if monotonic() - self._loops_at > LOST_AFTER_S:
            loops.running.clear()
