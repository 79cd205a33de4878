# SPDX-License-Identifier: Apache-2.0
"""The city at somebody else's broker: hears what devices say there, and speaks to them through it.

What was heard is acknowledged to the broker after our commit; what the city refused is delivered again. It connects
again by itself, with backoff and jitter. Used from one event loop, but for `reaches` and `outlook`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from smartcity.transports.bridge import outlook
from smartcity.transports.bridge.counters import Counters
from smartcity.transports.bridge.directory import Directory
from smartcity.transports.bridge.downlinks import Clocks, Downlinks
from smartcity.transports.bridge.link import Link
from smartcity.transports.bridge.login import prepare
from smartcity.transports.bridge.mapping import Mapping
from smartcity.transports.bridge.reading import Reader
from smartcity.transports.bridge.refusals import Refusals
from smartcity.transports.bridge.session import Arrived, Ended, Event, Opened, Session, Subscribed, Taken
from smartcity.transports.bridge.speaking import Speaker
from smartcity.transports.letters import Letter, Posted
from smartcity.transports.messages import Inbox, RawMessage
from smartcity.transports.mqtt.client import Retry

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 10.0
STEADY_AFTER_S: Final = 5.0
LOOK_EVERY_S: Final = 2.0
SUSPICIOUS: Final = 4  # connections in a row that ended at once
SAME_ID: Final = "the broker ends our connections: it seems that another client uses our id %r; give each its own"


def _unknown(device: str) -> int:
    return 0


def _iso(at_ms: int) -> str:
    return time.strftime("%H:%M UTC", time.gmtime(at_ms / 1000))


class Bridge:
    """`every_s(device)` is how often a device is expected to speak and `last_ms(device)` when it last did, as far as
    others know, 0 where nobody does; both may be asked from other threads. `time_of_day` says an instant as people in
    the city do.
    """

    def __init__(
        self,
        mapping: Mapping,
        inbox: Inbox,
        *,
        city_ms: Callable[[], int],
        client_id: str = "",
        every_s: Callable[[str], float] = _unknown,
        last_ms: Callable[[str], int] = _unknown,
        time_of_day: Callable[[int], str] = _iso,
        retry: Retry | None = None,
        jitter: random.Random | None = None,
    ) -> None:
        self.mapping = mapping
        self.inbox = inbox
        self.counters = Counters()
        self.refusals = Refusals()
        self.directory = Directory(mapping)
        self.downlinks = Downlinks(mapping, self.directory, Clocks(time.monotonic, city_ms, time_of_day))
        self.problem = ""
        self._client_id = client_id or mapping.broker.client_id
        self._every_s, self._last_ms, self._time_of_day = every_s, last_ms, time_of_day
        self._reader = Reader(mapping, self.directory, self.downlinks, self.refusals, self.counters, city_ms)
        self._retry = retry or Retry()
        self._jitter = jitter or random.Random()
        self._speaker = Speaker(inbox, self.directory, self.downlinks, self._reader, self.counters)
        self._link: Link | None = None
        self._is_ready = asyncio.Event()
        self._keep_alive_s = float(mapping.broker.keep_alive_s)

    async def run(self) -> None:
        """Until cancelled; then it leaves properly, and the broker goes on collecting for us."""
        loop, failures = asyncio.get_running_loop(), 0
        try:
            while True:
                began = loop.time()
                try:
                    await self._connect()
                    await self._watch()
                except (OSError, TimeoutError) as problem:
                    self._lose(str(problem) or type(problem).__name__)
                failures = 0 if loop.time() - began > STEADY_AFTER_S else failures + 1
                if failures == SUSPICIOUS and self.counters.connects >= failures:
                    log.error(SAME_ID, self._client_id)
                await asyncio.sleep(self._retry.delay(failures, self._jitter.random()))
        finally:
            self._leave()

    @property
    def is_connected(self) -> bool:
        return self._is_ready.is_set()

    async def wait_connected(self) -> None:
        await self._is_ready.wait()

    def health(self) -> dict[str, object]:
        """What /health and Prometheus show of it."""
        counted: dict[str, object] = msgspec.to_builtins(self.counters)
        return counted | {
            "connected": self.is_connected,
            "problem": self.problem,
            "in_flight": self.counters.in_flight,
            "waiting_to_come_again": self.refusals.waiting,
            "given_up": self.refusals.given_up,
            "given_up_of": self.refusals.stubborn[-20:],
            "downlinks": len(self.downlinks),
            "refused_for_airtime": self.downlinks.refused_for_airtime,
            "unsent": self._speaker.unsent,
        }

    # commands

    def reaches(self, device: str) -> bool:
        return self._is_ready.is_set() and self.directory.address(device) is not None

    def reachable(self) -> frozenset[str]:
        """Every device that `reaches` is true of."""
        return self.directory.known() if self._is_ready.is_set() else frozenset()

    def outlook(self, device: str, now_ms: int, until_ms: int) -> str:
        """When a command given now will be there, in words; empty where that is at once."""
        address = self.directory.address(device)
        if address is None:
            return ""
        every_s = address.radio.every_s or (self._every_s(device) if address.network else 0.0)
        if every_s and not address.heard_ms:
            address = replace(address, heard_ms=self._last_ms(device))
        return outlook.words(address, now_ms=now_ms, until_ms=until_ms, every_s=every_s, time_of_day=self._time_of_day)

    def post(self, letters: Sequence[Letter]) -> list[Posted]:
        """What becomes of each. Away while there is no line, and where the device is not known."""
        return self._speaker.post(letters)

    # the link calls these

    def arrived(self, event: Arrived) -> Sequence[RawMessage]:
        return self._reader.read(event)

    def happened(self, link: Link, event: Event) -> None:
        if isinstance(event, Opened):
            self._opened(link, event)
        elif isinstance(event, Subscribed):
            self._subscribed(link, event)
        elif isinstance(event, Taken):
            self._speaker.taken(event)
        elif isinstance(event, Ended):
            self._lose(event.reason)
            if event.is_taken_over:
                log.error(SAME_ID, self._client_id)

    # inside

    async def _connect(self) -> None:
        login = prepare(self.mapping.broker, self._client_id)
        loop = asyncio.get_running_loop()
        session = Session(self.mapping.broker, login, lambda: link.proceed_soon())
        link = Link(session, self)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await loop.create_connection(lambda: link, login.host, login.port, ssl=login.tls)
        self._link = link
        session.connect()
        link.flush()

    async def _watch(self) -> None:
        """While the connection lasts: ping, look after what waits, hang up when the broker is silent for too long."""
        link, loop = self._link, asyncio.get_running_loop()
        assert link is not None
        pinged = loop.time()
        while not link.lost.done():
            await asyncio.wait((link.lost,), timeout=min(LOOK_EVERY_S, self._keep_alive_s / 2))
            now = loop.time()
            if now - link.last_heard > 1.5 * self._keep_alive_s:
                self._lose("the broker is silent")
                link.abort()
            elif not link.session.is_open and now - link.opened_at > CONNECT_TIMEOUT_S:
                link.abort()
            elif self.refusals.is_time_to_reconnect(time.monotonic()):
                self._lose("connecting again, to have delivered again what was refused")
                link.session.leave()
                link.flush()
            else:
                if now - pinged >= self._keep_alive_s / 2 and link.session.is_open:
                    link.session.ping()
                    pinged = now
                self._speaker.look_after()
        self._lose(self.problem or "the connection was lost")

    def _opened(self, link: Link, opened: Opened) -> None:
        self.counters.connects += 1
        self._keep_alive_s = float(opened.keep_alive_s)
        self.counters.resumed += opened.is_resumed
        self.refusals.connected()
        if not opened.is_resumed and self.counters.connects > 1:
            self.counters.sessions_lost += 1
            log.error("the broker had forgotten us: what it held for us while we were away is lost")
        self._speaker.line_is_new(opened.receive_max)
        share = f"$share/{self.mapping.broker.share}/" if self.mapping.broker.share else ""
        filters = [share + route.pattern.filter for route in self.directory.routes]
        drops = self.mapping.broker.drops_topic
        link.session.subscribe(filters, [drops] if drops else [])

    def _subscribed(self, link: Link, event: Subscribed) -> None:
        for name, why in event.refused:
            log.error("the broker does not let us hear %s: %s", name, why)
        without = [name for name in event.without_qos if name != self.mapping.broker.drops_topic]
        if without:
            log.warning("the broker delivers %s without acknowledgement: what is lost on the way is lost", without[0])
        if self.problem:
            log.warning("the broker is back")
        self.problem = "; ".join(f"{name} is refused: {why}" for name, why in event.refused)
        self._is_ready.set()
        self._speaker.go_on(link, acknowledges=not without)

    def _lose(self, problem: str) -> None:
        if self.is_connected or not self.problem:
            log.warning("no line to the broker at %s: %s", self.mapping.broker.address, problem)
        self.problem = problem
        self._is_ready.clear()
        self._speaker.link = None

    def _leave(self) -> None:
        self._is_ready.clear()
        if self._link is not None:
            self._link.session.leave()
            self._link.flush()
