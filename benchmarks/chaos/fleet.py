# SPDX-License-Identifier: Apache-2.0
"""Simulated devices in a thread of their own, so that whoever breaks things need not wait for them.

Each has its own MQTT connection and connects again by itself; the last may stand behind a gateway that posts for them.
They are slow to give up and quick to come back, and every answer goes into the log book.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

import uvloop
from mqtt5 import PubAckReasonCode

from benchmarks.chaos.history import SAID, Heard, LogBook, payload
from benchmarks.chaos.poster import Poster
from benchmarks.chaos.provision import secret, uid
from smartcity.transports.mqtt.buffer import Acknowledged
from smartcity.transports.mqtt.client import BufferFull, DeviceClient, Retry

TICK_S: Final = 0.01
SOON: Final = Retry(0.2, 1.0)


class Fleet:
    """`rate_s` messages a second in all, which may be changed at any time; `held_back` counts what a device could not
    say because it keeps no more unanswered than `keeps`. The gateway posts so many messages `a_request` on so many
    `lines` at once. `without_subscriber` are the lines of what a broker has acknowledged with the word that nobody
    subscribes to it: a success in MQTT 5 (3.4.2.1), and in 3.1.1 an acknowledgement like any other."""

    def __init__(
        self, ports: tuple[int, int], devices: int, *, behind_gateway: int = 0, each: int = 4, rate_s: float = 500,
        keeps: int = 2_000, a_request: int = 500, lines: int = 1,
    ) -> None:  # fmt: skip
        self.book = LogBook(each)
        self.rate_s, self.keeps, self.posts = rate_s, keeps, (a_request, lines)
        self.held_back = 0
        self.without_subscriber: list[int] = []
        self.posters: list[Poster] = []
        self._web, self._mqtt = ports
        self._devices, self._behind = devices, behind_gateway
        self._clients: list[DeviceClient] = []
        self._numbers = [0] * devices
        self._last = [0] * devices
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fleet", daemon=True)
        self._talking: asyncio.Task[None] | None = None

    # for whoever breaks things, from any thread

    def __enter__(self) -> Fleet:
        self._thread.start()
        self._do(self._connect())
        return self

    def __exit__(self, *raised: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def talk(self) -> None:
        self._do(self._begin())

    def fall_silent(self) -> None:
        """Nothing new is said; what was said is still repeated until it is answered."""
        self._do(self._end())

    @property
    def unanswered(self) -> int:
        return sum(client.unacknowledged for client in self._clients) + sum(p.unanswered for p in self.posters)

    @property
    def oldest_unanswered_s(self) -> float:
        oldest = [client.oldest_unacknowledged_at for client in list(self._clients)]
        waiting = [self._loop.time() - at for at in oldest if at is not None]
        return max([*waiting, *(poster.oldest_s for poster in self.posters)], default=0.0)

    def hear_more(self, messages: int, within_s: float) -> None:
        """Wait until so many more are acknowledged; raises TimeoutError."""
        had = self.book.acknowledged
        wait_until(lambda: self.book.acknowledged > had + messages, within_s)

    def drain(self, within_s: float) -> float:
        """Seconds until every message is answered; raises TimeoutError."""
        began = time.monotonic()
        wait_until(lambda: not self.unanswered, within_s)
        return time.monotonic() - began

    # in the thread

    def _do(self, work: Awaitable[Any]) -> Any:
        async def run() -> Any:
            return await work

        done: Future[Any] = asyncio.run_coroutine_threadsafe(run(), self._loop)
        return done.result()

    async def _connect(self) -> None:
        for device in range(self._devices - self._behind):
            client = DeviceClient(retry=SOON, max_unacknowledged=self.keeps)
            await client.connect("127.0.0.1", self._mqtt, uid(device), secret(uid(device)), wait=False)
            self._clients.append(client)
        if self._behind:
            most, lines = self.posts
            self.posters = [Poster(self._web, self.book, most=most, lines=lines)]

    async def _begin(self) -> None:
        self._talking = self._loop.create_task(self._talk())

    async def _end(self) -> None:
        if self._talking is not None:
            self._talking.cancel()
            await asyncio.gather(self._talking, return_exceptions=True)
            self._talking = None

    async def _close(self) -> None:
        await self._end()
        await asyncio.gather(*(client.close() for client in self._clients))
        for poster in self.posters:
            await poster.close()

    async def _talk(self) -> None:
        """The devices in turn, as many a tick as the rate asks for; what a pause has missed is not made up for."""
        due, turn, before = 0.0, 0, time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            due, before = due + self.rate_s * min(now - before, 0.5), now
            while due >= 1:
                due -= 1
                self._say(turn)
                turn = (turn + 1) % self._devices

    def _say(self, device: int) -> None:
        """A message about now, at an instant no other message of this device has."""
        step = -(-self.book.each // SAID)
        at = max(time.time_ns() // 1_000_000, self._last[device] + step)
        number, now = self._numbers[device], time.monotonic()
        said = payload(device, number, at, self.book.each)
        if device < len(self._clients):
            try:
                answer = self._clients[device].publish("up", said)
            except BufferFull:
                self.held_back += 1
                return
            answer.add_done_callback(partial(self._heard, self.book.say(device, number, at, now)))
        elif self.posters[0].unanswered < self.keeps:
            self.posters[0].post(uid(device), said, self.book.say(device, number, at, now))
        else:
            self.held_back += 1
            return
        self._last[device], self._numbers[device] = at, number + 1

    def _heard(self, line: int, answer: asyncio.Future[Acknowledged]) -> None:
        if not answer.cancelled():
            told = answer.result()
            if told.code is PubAckReasonCode.NO_MATCHING_SUBSCRIBERS:
                self.without_subscriber.append(line)
            what = Heard.ACKNOWLEDGED if told.is_stored else Heard.REFUSED
            self.book.hear(line, what, time.monotonic())


def wait_until(claim: Callable[[], object], within_s: float, every_s: float = 0.02) -> None:
    """Raises TimeoutError when the claim does not come true."""
    deadline = time.monotonic() + within_s
    while not claim():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:g} s")
        time.sleep(every_s)
