# SPDX-License-Identifier: Apache-2.0
"""The promise of the road, tried with real faults: what a device saw acknowledged is in the database, once."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from smartcity.telemetry import tally
from smartcity.transports.mqtt.client import BufferFull, DeviceClient, Retry
from smartcity.transports.mqtt.gateway import Gateway
from tests.ingest.conftest import NOW, SECRETS, open_road, senml
from tests.servers import free_port

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
SOON = Retry(0.05, 0.2)
KILLS = 4


class Lamp:
    """Sends a reading a time, each with an instant of its own, and writes down which were acknowledged."""

    def __init__(self, uid):
        self.uid = uid
        self.client = DeviceClient(retry=SOON, max_unacknowledged=500)
        self.sent = 0
        self.acknowledged = set()

    async def switch_on(self, port):
        await self.client.connect("127.0.0.1", port, self.uid, SECRETS[self.uid], wait=False)

    async def talk(self, base_ms):
        while True:
            at = base_ms - self.sent * 1000
            try:
                published = self.client.publish("up", senml(float(self.sent), at=at))
            except BufferFull:
                await asyncio.sleep(0.01)
                continue
            published.add_done_callback(partial(self._heard, at))
            self.sent += 1
            await asyncio.sleep(0.002)

    def _heard(self, at, done):
        if not done.cancelled() and done.result().is_stored:
            self.acknowledged.add(at)


def stored_instants():
    with connections["telemetry"].cursor() as cursor:
        cursor.execute("SELECT at, series FROM reading")
        return cursor.fetchall()


@asynccontextmanager
async def process(port):
    """The city as a process; killed at the end, never asked."""
    names = {alias: str(connections[alias].settings_dict["NAME"]) for alias in ("default", "telemetry")}
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.ingest.road_process", str(port), json.dumps(names), stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            assert running.stdout is not None
            assert (await running.stdout.readline()) == b"ready\n"
        yield
    finally:
        running.kill()
        await running.wait()


async def test_killed_in_the_middle_of_batches_nothing_acknowledged_is_lost(lamps):
    port, chance = free_port(), random.Random(5)
    base = time.time_ns() // 1_000_000
    devices = [Lamp("L-1"), Lamp("L-2")]
    for device in devices:
        await device.switch_on(port)
    talking = [asyncio.create_task(device.talk(base)) for device in devices]
    for _ in range(KILLS):
        before = sum(len(device.acknowledged) for device in devices)
        async with process(port):
            async with asyncio.timeout(20):
                while sum(len(device.acknowledged) for device in devices) < before + 50:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await asyncio.sleep(chance.random() * 0.3)
    for task in talking:
        task.cancel()
    rows = await sync_to_async(stored_instants)()
    for device in devices:
        await device.client.close()
    acknowledged = [at for device in devices for at in device.acknowledged]
    assert len(acknowledged) >= 50 * KILLS
    stored = {at for at, _ in rows}
    assert not [at for at in acknowledged if at not in stored]
    assert len(rows) == len(set(rows))
    assert not tally.imbalances(await sync_to_async(tally.totals)())


@contextmanager
def locked():
    """Nobody can write telemetry meanwhile."""
    database = connections["telemetry"]
    lock: Any
    if database.vendor == "sqlite":
        lock = sqlite3.connect(database.settings_dict["NAME"], isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
    else:
        given = database.get_connection_params()
        lock = psycopg.connect(
            **{key: given[key] for key in ("dbname", "user", "password", "host", "port") if key in given}
        )
        lock.execute("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        lock.rollback()
        lock.close()


@pytest.mark.slow
async def test_a_database_locked_for_ten_seconds_loses_nothing_and_makes_senders_wait(lamps):
    async with open_road(max_messages=50) as road:
        gateway = Gateway(road.pipeline.inbox, road.pipeline.registry, city_ms=lambda: NOW)
        port = await gateway.serve(port=0)
        device = Lamp("L-1")
        await device.switch_on(port)
        talking = asyncio.create_task(device.talk(NOW))
        await asyncio.sleep(0.5)
        held = locked()
        await sync_to_async(held.__enter__)()
        await asyncio.sleep(0.3)
        had, worst_lag = len(device.acknowledged), 0.0
        for _ in range(100):
            began = time.monotonic()
            await asyncio.sleep(0.1)
            worst_lag = max(worst_lag, time.monotonic() - began - 0.1)
        health = road.pipeline.health()
        assert len(device.acknowledged) <= had
        assert health.oldest_s > 9
        assert health.database_down_s > 1
        assert not health.ok
        assert road.pipeline.inbox.is_full
        await sync_to_async(held.__exit__)(None, None, None)
        talking.cancel()
        async with asyncio.timeout(15):
            while device.client.unacknowledged:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert len(device.acknowledged) == device.sent
        stored = {at for at, _ in await sync_to_async(stored_instants)()}
        assert stored == device.acknowledged
        assert await road.balanced()
        assert worst_lag < 1
        await device.client.close()
        await gateway.close()
