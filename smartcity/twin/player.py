# SPDX-License-Identifier: Apache-2.0
"""The run loop of the street: never ahead of the city's clock, every domain at its own pace, all on one event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from smartcity.kernel.street import Ack, Hello, Up
from smartcity.twin.domain import Domain, Said, has_twin
from smartcity.twin.fleet import Fleet
from smartcity.twin.follower import Follower
from smartcity.twin.forecaster import Forecaster
from smartcity.twin.street import Street
from smartcity.twin.world import StreetWorld

log = logging.getLogger(__name__)

ASK_EVERY_S = 0.2
BREATHE_AFTER_S = 0.02
LEAP_MS = 600_000  # a gap of city time longer than this is not lived through: the street goes on from now
_encode = msgspec.json.encode


class Player:
    """Everything between the city's clock and the devices' sockets."""

    def __init__(self, street: Street, *, only: Sequence[str] = (), mqtt: str = "", http: str = "") -> None:
        self.street = street
        self.world = StreetWorld(
            street.centre, street.zone, street.seed, map_file=street.map_file, folder=street.folder
        )
        self.domains = [
            Domain(name, devices, self.world, street.seed)
            for name, devices in street.by_domain(only).items()
            if has_twin(name)
        ]
        self.of = {device.uid: domain for domain in self.domains for device in domain.devices}
        self.fleet = Fleet(self._command, self._greet)
        self.follower = Follower(http or street.http)
        self.forecaster = Forecaster(self.world, street.seed, Path(street.folder).parent / "weather")
        self.reached_ms = 0
        self._address = mqtt or street.mqtt
        self._mode = ""

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for domain in self.domains:
                tasks.create_task(self._keep(domain))
            tasks.create_task(self._follow())
            tasks.create_task(self._foretell())

    async def close(self) -> None:
        await self.fleet.close()
        for domain in self.domains:
            domain.close()

    async def _keep(self, domain: Domain) -> None:
        """Build a domain's model, put its devices on the line, and build it again whenever it has broken."""
        host, _, port = self._address.rpartition(":")
        is_on_line = False
        while True:
            if domain.model is None:
                if domain.failures:
                    await asyncio.sleep(domain.pause_s)
                model = await asyncio.to_thread(domain.build)
                if model is not None:
                    domain.start(model, self.reached_ms + bool(domain.failures))
            if domain.model is not None and not is_on_line:
                is_on_line = True
                await self.fleet.connect(domain.devices, host, int(port), self.street.seed)
            await asyncio.sleep(1.0)

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            face = await self.follower.ask(self.reached_ms)
            if face is not None and self._may_live(face.mode):
                self.world.speed = face.speed
                await self._live_until(face.at)
            self.fleet.greet()
            await asyncio.sleep(max(0.02, began + ASK_EVERY_S - loop.time()))

    async def _foretell(self) -> None:
        """The city's weather service."""
        while self.street.folder:
            await asyncio.sleep(1.0)
            if self.reached_ms and self.forecaster.is_due(self.reached_ms):
                try:
                    await asyncio.to_thread(self.forecaster.write, self.reached_ms)
                except OSError as problem:
                    log.warning("The weather could not be written: %s", problem)

    def _may_live(self, mode: str) -> bool:
        if mode != self._mode and mode != "SIMULATION":
            log.warning("The city is %s: simulated devices keep silent until it is a SIMULATION.", mode)
        self._mode = mode
        return mode == "SIMULATION"

    async def _live_until(self, now_ms: int) -> None:
        """Step what is due, in the order of city time, letting the sockets breathe in between."""
        if not 0 <= now_ms - self.reached_ms <= LEAP_MS:
            for domain in self.domains:
                domain.join(now_ms)
        loop = asyncio.get_running_loop()
        breathed = loop.time()
        while (due := self._next(now_ms)) is not None:
            self.reached_ms = due.next_ms
            self._all(due.step())
            if loop.time() - breathed > BREATHE_AFTER_S:
                await asyncio.sleep(0)
                breathed = loop.time()
        self.reached_ms = now_ms

    def _next(self, now_ms: int) -> Domain | None:
        due = [domain for domain in self.domains if domain.model is not None and domain.next_ms <= now_ms]
        return min(due, key=lambda domain: domain.next_ms, default=None)

    def _say(self, said: Said, now_ms: int) -> None:
        match said:
            case Up(uid, payload):
                self.fleet.say(uid, "up", payload)
            case Hello(uid, announced):
                self.fleet.say(uid, "hello", _encode(announced))
            case Ack(uid, key, state, reason):
                self.fleet.say(uid, "ack", _encode({"id": key, "state": state, "reason": reason, "at": now_ms}))

    def _command(self, uid: str, payload: bytes) -> None:
        self._all(self.of[uid].command(uid, payload, self.reached_ms))

    def _greet(self, uid: str) -> None:
        announced = self.of[uid].hello(uid)
        if announced is not None:
            self._say(Hello(uid, announced), self.reached_ms)

    def _all(self, said: Iterable[Said]) -> None:
        for one in said:
            self._say(one, self.reached_ms)
