# SPDX-License-Identifier: Apache-2.0
"""Lamps that do as they are told and log it, and the operator who asks for light by hand, twice a second."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx
import uvloop

from benchmarks.chaos.fleet import SOON
from benchmarks.chaos.provision import secret, uid
from smartcity.transports.mqtt.client import DeviceClient

EVERY_S: Final = 0.5
LONGEST_S: Final = 3_600


class Lamps:
    """Devices `first` and following on connections of their own. `deliveries` counts by command how often it came;
    what came before is answered again and not done again, as devices must."""

    def __init__(self, port: int, first: int, many: int) -> None:
        self.deliveries: Counter[str] = Counter()
        self.done_at: dict[str, float] = {}
        self._port, self._numbers = port, range(first, first + many)
        self._clients: list[DeviceClient] = []
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lamps", daemon=True)

    def __enter__(self) -> Lamps:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._connect(), self._loop).result()
        return self

    def __exit__(self, *raised: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _connect(self) -> None:
        for number in self._numbers:
            client = DeviceClient(on_command=self._teller(len(self._clients)), retry=SOON, keep_alive_s=10)
            self._clients.append(client)
            await client.connect("127.0.0.1", self._port, uid(number), secret(uid(number)), wait=False)
            client.publish("hello", json.dumps({"supply": "permanent"}).encode())

    def _teller(self, place: int) -> Callable[[bytes], None]:
        def told(payload: bytes) -> None:
            wish = json.loads(payload)
            self.deliveries[wish["id"]] += 1
            self.done_at.setdefault(wish["id"], time.monotonic())
            body = {"id": wish["id"], "state": "applied", "reason": "", "at": time.time_ns() // 1_000_000}
            self._clients[place].publish("ack", json.dumps(body).encode())

        return told

    async def _close(self) -> None:
        await asyncio.gather(*(client.close() for client in self._clients))


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish the city took: its key, the command it became, and when (monotonic)."""

    key: str
    command: str
    at: float


class Operator:
    """Asks the web processes in turn; whoever does not answer is asked again with the same key elsewhere."""

    def __init__(self, pages: list[str], cookies: Mapping[str, str], token: str, first: int, many: int) -> None:
        self.asked: list[Asked] = []
        self.refused: Counter[str] = Counter()
        self._pages, self._first, self._many = pages, first, many
        self._headers = {"X-CSRFToken": token}
        self._cookies = dict(cookies)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="operator", daemon=True)

    def __enter__(self) -> Operator:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.rest()

    def rest(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _work(self) -> None:
        turn = 0
        with httpx.Client(timeout=3, cookies=self._cookies, headers=self._headers) as browser:
            while not self._is_over.wait(EVERY_S):
                self._ask(browser, turn)
                turn += 1

    def _ask(self, browser: httpx.Client, turn: int) -> None:
        key, lamp = f"chaos-{turn}", uid(self._first + turn % self._many)
        until = time.time_ns() // 1_000_000 + 1000 * LONGEST_S
        wish = {"asset": lamp, "point": "dim_level", "value": 100, "reason": "chaos", "until": until}
        began = time.monotonic()
        for attempt in range(20):
            page = self._pages[(turn + attempt) % len(self._pages)]
            try:
                url, headers = f"{page}/api/v1/overrides/", {"Idempotency-Key": key, "Origin": page, "Referer": page}
                answer = browser.post(url, json=wish, headers=headers)
            except httpx.TransportError:
                continue
            if answer.status_code == 201:
                self.asked.append(Asked(key, answer.json()["command"]["id"], began))
            else:
                self.refused[f"{answer.status_code} {answer.text[:200]}"] += 1
            return
        self.refused["no answer"] += 1
