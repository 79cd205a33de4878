# SPDX-License-Identifier: Apache-2.0
"""Payloads that have broken other parsers, each over and over: what one costs, and that none of it is believed."""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import mqtt5
import numpy as np

from benchmarks.chaos import holdings, judge, payloads, victims
from benchmarks.chaos.findings import Findings, Options
from benchmarks.chaos.history import MANY, METRICS
from benchmarks.chaos.holdings import Holdings
from benchmarks.chaos.line import Line
from benchmarks.chaos.provision import secret, uid
from benchmarks.chaos.victims import Victim
from tests.transports.street import RawDevice

DEVICES: Final = 40
HONEST: Final = DEVICES - 1  # the last device says only what has a meaning
SUSPECT: Final = 10  # qualities from here on are not believed by anybody
MOST_MS: Final = 5.0
GROWTH_MB: Final = 50.0
ANSWERS_S: Final = 60.0
Say = Callable[[int], Awaitable[str]]


@dataclass(slots=True)
class Cost:
    """Of one kind of payload: milliseconds of the city's CPU each, and how it was answered."""

    kind: str
    cpu_ms: float
    wall_ms: float
    heard: Counter[str] = field(default_factory=Counter)


def run(found: Findings, options: Options) -> None:
    many = 2 * DEVICES if options.quick else 10 * DEVICES
    with options.room(found.scenario) as var:
        with victims.victim(var, devices=DEVICES) as city:
            costs, grown, health, sent = asyncio.run(_attack(city, many))
            city.stop()
        held = holdings.read(city.environment, var / "held.npz")
    for cost in costs:
        heard = ", ".join(f"{n} × {what}" for what, n in cost.heard.most_common(3))
        print(f"  {cost.kind:<52} {cost.cpu_ms:6.2f} ms CPU {cost.wall_ms:7.1f} ms wall  {heard}", file=sys.stderr)
    worst = max(costs, key=lambda cost: cost.cpu_ms)
    found.add("kinds", len(costs))
    found.add("payloads", sent)
    found.add("worst_kind", worst.kind)
    found.add("worst_kind_cpu_ms", round(worst.cpu_ms, 2), at_most=MOST_MS)
    found.add("median_kind_cpu_ms", round(float(np.median([cost.cpu_ms for cost in costs])), 2))
    found.add("memory_growth_mb", round(grown, 1), at_most=GROWTH_MB)
    _believed(found, held)
    _counted(found, held, health)
    found.headline = f"{sent:,} payloads of {len(costs)} kinds, at most {worst.cpu_ms:.1f} ms each, {grown:+.0f} MB"


def _believed(found: Findings, held: Holdings) -> None:
    """Of the hostile devices no usable reading; of the honest one exactly what it said last."""
    usable = held.quality < SUSPECT
    honest = held.readings.series // MANY == HONEST
    found.add("believed", int((usable & ~honest).sum()), at_most=0)
    kept = held.readings.take(honest & usable)
    right = kept.value.tolist() == [2.0] and (kept.series % MANY).tolist() == [METRICS.index(payloads.METRIC)]
    found.add("twice_the_same_key_misread", 0 if right else 1, at_most=0)
    found.add("not_finite", int((~np.isfinite(held.readings.value)).sum()), at_most=0)


def _counted(found: Findings, held: Holdings, health: Mapping[str, Any]) -> None:
    gateway = health["gateway"]
    lost = gateway["received"] - gateway["stored"] - sum(gateway["refused"].values())
    imbalances = [word for run, counts in held.runs.items() for word in judge.unbalanced(run, counts)]
    found.add("uncounted_messages", lost + health["pipeline"]["waiting"], at_most=0)
    found.add("ledger_imbalances", len(imbalances) + len(health["pipeline"]["imbalances"]), at_most=0)
    found.add("server_errors", sum(n for status, n in health["http"]["answers"].items() if status == "500"), at_most=0)
    found.add("failures_of_tasks", sum(task["failures"] for task in health["tasks"].values()), at_most=0)
    found.add("database_faults", len(held.faults), at_most=0)


async def _attack(city: Victim, many: int) -> tuple[list[Cost], float, Mapping[str, Any], int]:
    """The costs by kind, the memory it took, what the city says of itself, and how many were sent."""
    attackers = [Attacker(city, device) for device in range(DEVICES)]
    idle = await _idle_cores(city)
    before = most = city.memory_mb
    costs: list[Cost] = []
    now = int(time.time())
    for kind, say in _kinds(attackers, now).items():
        costs.append(await _cost(city, kind, say, 2 if "5 MB" in kind else many, idle))
        most = max(most, city.memory_mb)
    await attackers[HONEST].publish(payloads.twice_the_same_key(now))
    await attackers[HONEST].post({"Content-Type": "application/json"}, payloads.twice_the_same_key(now))
    for attacker in attackers:
        attacker.leave()
    await asyncio.sleep(1)
    sent = sum(cost.heard.total() for cost in costs)
    return costs, most - before, await asyncio.to_thread(city.health), sent


def _kinds(attackers: list[Attacker], now: int) -> dict[str, Say]:
    """What to say, by name; the number of the exchange chooses the attacker."""

    def whose(n: int) -> Attacker:
        return attackers[n % HONEST]

    json = {"Content-Type": "application/json"}
    kinds: dict[str, Say] = {}
    for name, said in payloads.messages(now).items():
        kinds[f"mqtt: {name}"] = partial(lambda said, n: whose(n).publish(said), said)
        kinds[f"http: {name}"] = partial(lambda said, n: whose(n).post(json, said), said)
    for name, packet in payloads.packets().items():
        kinds[f"mqtt packet: {name}"] = partial(lambda packet, n: whose(n).say(packet), packet)
    requests = [payloads.requests(now, attacker.name) for attacker in attackers]
    for name in requests[0]:
        kinds[f"http request: {name}"] = partial(lambda name, n: whose(n).post(*requests[n % HONEST][name]), name)
    kinds["http request: 5 MB in chunks"] = lambda n: whose(n).post_in_chunks(5 * 2**20)
    return kinds


async def _cost(city: Victim, kind: str, say: Say, many: int, idle: float) -> Cost:
    """All attackers at once, each one exchange at a time."""
    cpu, began = city.used_cpu_s, time.monotonic()
    cost = Cost(kind, 0.0, 0.0)

    async def attack(first: int) -> None:
        for n in range(first, many, HONEST):
            started = time.monotonic()
            cost.heard[await say(n)] += 1
            cost.wall_ms += (time.monotonic() - started) * 1000 / many

    await asyncio.gather(*(attack(first) for first in range(min(HONEST, many))))
    cost.cpu_ms = max(0.0, city.used_cpu_s - cpu - idle * (time.monotonic() - began)) * 1000 / many
    return cost


async def _idle_cores(city: Victim) -> float:
    await asyncio.sleep(2)
    cpu, began = city.used_cpu_s, time.monotonic()
    await asyncio.sleep(4)
    return (city.used_cpu_s - cpu) / (time.monotonic() - began)


class Attacker:
    """A device that was let in, over MQTT and HTTP; it comes back when it is thrown out."""

    def __init__(self, city: Victim, device: int) -> None:
        self.web, self.mqtt = city.ports
        self.name = uid(device)
        key = base64.b64encode(f"{self.name}:{secret(self.name)}".encode()).decode()
        self._key = {"Authorization": f"Basic {key}"}
        self._line = Line(self.web)
        self._device: RawDevice | None = None
        self._said = 0

    async def publish(self, payload: bytes) -> str:
        self._said = self._said % 60_000 + 1
        device = await self._connected()
        device.publish(self._said, payload=payload)
        return await self._hears()

    async def say(self, packet: bytes) -> str:
        (await self._connected()).say(packet)
        return await self._hears()

    async def post(self, headers: Mapping[str, str], body: bytes) -> str:
        answer = await self._line.post({**self._key, **headers}, body)
        aside = answer.status == 200 and "quarantined" in answer.told
        return "hung up" if not answer.status else f"{answer.status}{' set aside' if aside else ''}"

    async def post_in_chunks(self, size: int) -> str:
        """Without saying how long it will be."""
        head = {"Host": "127.0.0.1", "Content-Type": "application/json", "Transfer-Encoding": "chunked"} | self._key
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        chunk = b"10000\r\n" + b" " * 2**16 + b"\r\n"
        answer = await self._line.say(f"POST /ingest HTTP/1.1\r\n{lines}\r\n".encode() + chunk * (size // 2**16))
        self._line.hang_up()
        return str(answer.status or "hung up")

    def leave(self) -> None:
        self._line.hang_up()
        if self._device is not None:
            self._device.leave()

    async def _connected(self) -> RawDevice:
        if self._device is None:
            self._device = RawDevice(self.mqtt, self.name, secret(self.name))
            await self._device.arrive()
        return self._device

    async def _hears(self) -> str:
        assert self._device is not None
        answer = await self._device.hear(ANSWERS_S)
        if isinstance(answer, mqtt5.PubAckPacket):
            return f"PUBACK {answer.reason_code.value:#04x}"
        self._device.leave()
        self._device = None
        return f"DISCONNECT {answer.reason_code.value:#04x}" if answer else "hung up"
