# SPDX-License-Identifier: Apache-2.0
"""The simulated devices on the line: one MQTT connection each, with its own key, through the city's front door."""

from __future__ import annotations

import asyncio
import logging
import random
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smartcity.kernel.street import StreetDevice
from smartcity.transports.messages import Kind
from smartcity.transports.mqtt.buffer import Acknowledged
from smartcity.transports.mqtt.client import BufferFull, DeviceClient, Retry

log = logging.getLogger(__name__)

MOST_KEPT = 500  # messages a device remembers while nobody acknowledges them
KEEP_ALIVE_S = 120
PER_SECOND = 400  # devices that dial in the same second, so that a start does not look like an attack


@dataclass(slots=True)
class Counts:
    """Messages of the whole fleet; `lost`: a device's memory was full."""

    said: int = 0
    refused: int = 0
    lost: int = 0
    heard: int = 0


class Fleet:
    """`on_command(uid, payload)` is called on the loop; `on_line(uid)` whenever a device has (re)connected."""

    def __init__(self, on_command: Callable[[str, bytes], None], on_line: Callable[[str], None]) -> None:
        self.counts = Counts()
        self._on_command, self._on_line = on_command, on_line
        self._clients: dict[str, DeviceClient] = {}
        self._greeted: dict[str, int] = {}

    async def connect(self, devices: Sequence[StreetDevice], host: str, port: int, seed: int) -> None:
        """Dial for every device, a few hundred a second; each stays connected by itself from then on.

        All of them may speak at once: what they say before their line stands is kept.
        """
        for device in devices:
            self._clients[device.uid], self._greeted[device.uid] = self._client(device, seed), 0
        for number, device in enumerate(devices):
            await self._clients[device.uid].connect(host, port, device.uid, device.secret, wait=False)
            if number % (PER_SECOND // 10) == PER_SECOND // 10 - 1:
                await asyncio.sleep(0.1)

    def say(self, uid: str, kind: Kind, payload: bytes) -> None:
        """Publish, now or when the line is back; kept until it is acknowledged or the device's memory is full."""
        try:
            answer = self._clients[uid].publish(kind, payload)
        except BufferFull:
            self._lose()
            return
        self.counts.said += 1
        answer.add_done_callback(self._answered)

    def greet(self) -> None:
        """Tell of each device that has connected since the last call."""
        for uid, client in self._clients.items():
            if client.is_connected and client.connects != self._greeted[uid]:
                self._greeted[uid] = client.connects
                self._on_line(uid)

    @property
    def connected(self) -> int:
        return sum(client.is_connected for client in self._clients.values())

    @property
    def unacknowledged(self) -> int:
        return sum(client.unacknowledged for client in self._clients.values())

    def __len__(self) -> int:
        return len(self._clients)

    async def close(self) -> None:
        await asyncio.gather(*(client.close() for client in self._clients.values()), return_exceptions=True)

    def _client(self, device: StreetDevice, seed: int) -> DeviceClient:
        client = DeviceClient(
            on_command=self._hears(device.uid),
            keep_alive_s=KEEP_ALIVE_S,
            max_unacknowledged=MOST_KEPT,
            retry=Retry(first_s=1.0, longest_s=20.0),
            jitter=random.Random(f"{seed}/{device.uid}"),
        )
        client.uid = device.uid
        return client

    def _hears(self, uid: str) -> Callable[[bytes], None]:
        def hears(payload: bytes) -> None:
            self.counts.heard += 1
            self._on_command(uid, payload)

        return hears

    def _lose(self) -> None:
        self.counts.lost += 1
        if self.counts.lost in (1, 1_000, 100_000):
            log.warning("Nobody acknowledges: devices' memories are full, %d readings were lost.", self.counts.lost)

    def _answered(self, answer: asyncio.Future[Acknowledged]) -> None:
        if not answer.cancelled() and not answer.result().is_stored:
            self.counts.refused += 1
            if self.counts.refused in (1, 10, 100, 1000):
                log.warning("The city refused message %d: %s", self.counts.refused, answer.result().reason)


def allow_many_sockets() -> int:
    """Raise this process's limit of open files as far as it may; the limit then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
