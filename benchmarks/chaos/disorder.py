# SPDX-License-Identifier: Apache-2.0
"""The same street twice, in order and in disorder, with a kill here and there: the tables must be the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.chaos import holdings, judge, weather
from benchmarks.chaos.findings import Findings, Options
from benchmarks.chaos.history import METRICS
from benchmarks.chaos.holdings import Holdings
from benchmarks.chaos.provision import secret, uid
from benchmarks.chaos.victims import Victim
from benchmarks.chaos.weather import Delivery, Street
from smartcity.transports.mqtt.client import DeviceClient, Retry
from tests import servers
from tests.city import ROOT

SOON: Final = Retry(0.1, 0.5)
TIDY_EVERY: Final = 12  # ticks: two hours of city time
START_MS: Final = 1_774_742_400_000  # 2026-03-29, the day Helsinki's clocks go forward
LATE, GOOD = 1, 0
PATIENCE_S: Final = 120.0


def on_sqlite(found: Findings, options: Options) -> None:
    _run(found, options, ("", ""))


def on_postgresql(found: Findings, options: Options) -> None:
    with servers.postgis() as one, servers.postgis() as other:
        _run(found, options, (one, other))


def _run(found: Findings, options: Options, urls: tuple[str, str]) -> None:
    days, devices, kills = (1, 4, 1) if options.quick else (5, 40, 5)
    street = Street(devices, days * weather.DAY_TICKS, START_MS)
    storm = weather.disordered(street, options.seed)
    with options.room(found.scenario) as room:
        clean, _ = _carried(room / "in_order", urls[0], street, list(weather.in_order(street)), 0, options.seed)
        other, again = _carried(room / "disordered", urls[1], street, storm, kills, options.seed)
    ahead = sum(delivery.is_ahead for delivery in storm)
    found.add("readings_in_order", len(clean.readings), at_least=1)
    found.add("messages_in_order", 2 * street.devices * street.ticks)
    found.add("messages_in_disorder", len(storm))
    found.add("repeats_of_sealed_days", sum(weather.is_sealed(street, one) for one in storm), at_least=1)
    found.add("sealed_readings", other.sealed, at_least=1)
    found.add("kills", kills)
    found.add("connections_in_disorder", again)
    for name, same in compared(clean, other).items():
        found.add(f"{name}_differs", 0 if same else 1, at_most=0)
    set_aside = sum(counts.get("readings.quarantined", 0) for counts in other.runs.values())
    found.add("from_the_future", ahead)
    found.add("from_the_future_not_set_aside", len(METRICS) * ahead - set_aside, at_most=0)
    found.add("ledger_imbalances", len(_imbalances(clean)) + len(_imbalances(other)), at_most=0)
    found.add("database_faults", len(clean.faults) + len(other.faults), at_most=0)
    found.headline = f"{len(clean.readings):,} readings; {_checksum(clean)} in order, {_checksum(other)} in disorder"


def _carried(
    room: Path, url: str, street: Street, deliveries: list[Delivery], kills: int, seed: int
) -> tuple[Holdings, int]:
    """Everything delivered, its day over and packed; what the store holds then, and how often devices connected."""
    room.mkdir()
    city = Victim(room, url)
    city.provision(street.devices)
    connects = asyncio.run(_carry(city, street, deliveries, kills, seed))
    return holdings.read(city.environment, room / "held.npz", street.now_ms(_last(street))), connects


async def _carry(city: Victim, street: Street, deliveries: list[Delivery], kills: int, seed: int) -> int:
    by_tick = {tick: list(group) for tick, group in itertools.groupby(deliveries, lambda delivery: delivery.tick)}
    killed = set(random.Random(seed).sample(sorted(by_tick), kills))
    last = _last(street)
    busy = {*by_tick, *range(0, last, TIDY_EVERY), last}
    road = Road(city)
    await road.start(street.now_ms(min(busy)))
    clients = [DeviceClient(retry=SOON, max_unacknowledged=100_000) for _ in range(street.devices)]
    for device, client in enumerate(clients):
        await client.connect("127.0.0.1", city.ports[1], uid(device), secret(uid(device)))
    for tick in sorted(busy):
        await road.tell(f"at {street.now_ms(tick)}")
        said = [clients[one.device].publish("up", weather.payload(one)) for one in by_tick.get(tick, [])]
        if tick in killed:
            await asyncio.sleep(0.02)
            await road.killed()
            await road.start(street.now_ms(tick))
        async with asyncio.timeout(PATIENCE_S):
            refused = [answer for answer in await asyncio.gather(*said) if not answer.is_stored]
        if refused:
            raise RuntimeError(f"a message was refused: {refused[0].reason}")
        if tick % TIDY_EVERY == 0 or tick == last:
            await road.tell("tidy")
    for client in clients:
        await client.close()
    await road.end()
    return sum(client.connects for client in clients)


def _last(street: Street) -> int:
    """The tick by which all has arrived and every day of it has been sealed."""
    return street.ticks + weather.DAY_TICKS + weather.LONGEST_REPEAT_TICKS + 2 * weather.DAY_TICKS


class Road:
    """Gateway, pipeline and store as a process that is told the time."""

    def __init__(self, city: Victim) -> None:
        self.city = city

    async def start(self, now_ms: int) -> None:
        """Knows the time before the first device is back, as a city does that is started again."""
        command = [sys.executable, "-m", "tests.ingest.road_process", str(self.city.ports[1]), "{}", str(now_ms)]
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, cwd=ROOT, env=self.city.environment
        )
        await self._hears("ready")

    async def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        await self._hears(line)

    async def killed(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()

    async def _hears(self, line: str) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            answer = (await self.process.stdout.readline()).decode().strip()
        if answer != line:
            raise RuntimeError(f"the road said {answer!r} instead of {line!r}")


def compared(one: Holdings, other: Holdings) -> Mapping[str, bool]:
    """Table by table, whether they hold the same."""
    tables, others = _tables(one), _tables(other)
    return {name: tables[name].tobytes() == others[name].tobytes() for name in tables}


def _tables(held: Holdings) -> dict[str, np.ndarray[Any, Any]]:
    """Rows in order of their keys. That a reading came late is true of one run and not of the other, so `late` counts
    as good here; nothing else is let pass."""
    raw, latest = held.readings, held.latest
    order = np.lexsort((raw.series, raw.at))
    quality = np.where(held.quality == LATE, GOOD, held.quality)
    newest = np.argsort(latest.series)
    return {
        "readings": np.column_stack([raw.at, raw.series, raw.value, quality])[order],
        "latest": np.column_stack([latest.series, latest.at, latest.value])[newest],
        **{f"rollup_{grain}": table for grain, table in held.rollups.items()},
    }


def _checksum(held: Holdings) -> str:
    return hashlib.sha256(b"".join(table.tobytes() for table in _tables(held).values())).hexdigest()[:16]


def _imbalances(held: Holdings) -> Sequence[str]:
    words = [fault for run, counts in held.runs.items() for fault in judge.unbalanced(run, counts)]
    stored = sum(counts.get("readings.stored", 0) for counts in held.runs.values())
    if stored != len(held.readings):
        words.append(f"{stored} are counted as stored, {len(held.readings)} are there")
    for word in words:
        print(f"  disorder: {word}", file=sys.stderr)
    return words
