# SPDX-License-Identifier: Apache-2.0
"""A road: two lamps and a detector in the database, the pipeline running, a loopback to speak through."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from asgiref.sync import sync_to_async
from django.contrib.gis.geos import Point
from django.db import connections

from smartcity.control.acks import AckMessage
from smartcity.devices.credentials import digest
from smartcity.devices.models import Asset, Device, GatewayToken, Series, Zone
from smartcity.ingest import pipeline
from smartcity.ingest.announcing import Announced
from smartcity.ingest.pipeline import Committed, Pipeline
from smartcity.telemetry import tally
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.loopback import Loopback
from tests.telemetry.conftest import TABLES

NOW = 1_800_000_000_000
SECRETS = {"L-1": "a" * 64, "L-2": "b" * 64, "L-9": "c" * 64}
TOKEN = "d" * 64
POWER, LEVEL = "lighting.power_w", "lighting.dim_level"


def make_device(uid, zone, **more):
    asset = Asset.objects.create(
        uid=uid, domain="lighting", kind="street_light", name=uid, geom=Point(25, 60), zone=zone
    )
    device = Device.objects.create(
        uid=uid, asset=asset, secret_sha256=digest(SECRETS.get(uid, "e" * 64)), simulated=True, **more
    )
    for metric in (POWER, LEVEL):
        Series.objects.create(device=device, metric=metric)
    return device


@pytest.fixture(autouse=True, scope="session")
def no_connection_outlives_its_call():
    """Threads of the pool would keep theirs, and the test database could not be dropped."""
    for alias in connections:
        connections.settings[alias]["CONN_MAX_AGE"] = 0


@pytest.fixture
def lamps(transactional_db):
    """L-1 and L-2 work, L-9 is retired; gateway `roof` speaks for L-1 only."""
    zone = Zone.objects.create(code="centre", name="Centre")
    made = {uid: make_device(uid, zone) for uid in ("L-1", "L-2")}
    made["L-9"] = make_device("L-9", zone, retired_at=datetime(2026, 1, 1, tzinfo=UTC))
    GatewayToken.objects.create(name="roof", token_sha256=digest(TOKEN)).devices.add(made["L-1"])
    _empty()
    yield made
    _empty()


def _empty():
    """Before too: the store has connections of its own, so what another test left is still there."""
    with connections["telemetry"].cursor() as cursor:
        for name in TABLES:
            cursor.execute(f"DELETE FROM {name}")


def series(uid="L-1", metric=POWER):
    return Series.objects.get(device__uid=uid, metric=metric).pk


def senml(*values, at=NOW, name=POWER, **more):
    """A pack of one value each second."""
    return json.dumps([{"n": name, "v": value, "t": at / 1000 + n} | more for n, value in enumerate(values)]).encode()


@dataclass
class Road:
    pipeline: Pipeline
    street: Loopback
    committed: list[Committed] = field(default_factory=list)
    acks: list[AckMessage] = field(default_factory=list)
    hellos: list[Announced] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def say(self, payload, uid="L-1", kind="up", within_s=5):
        """Publish and wait for the outcome."""
        async with asyncio.timeout(within_s):
            return await self.street.publish(uid, kind, payload)

    async def rows(self, sql, *given):
        def read():
            with connections["telemetry"].cursor() as cursor:
                cursor.execute(sql, given)
                return cursor.fetchall()

        return await sync_to_async(read)()

    async def readings(self):
        return await self.rows("SELECT at, series, value, quality FROM reading ORDER BY at, series")

    async def quarantine(self):
        """(kind, readings) of each row."""
        return await self.rows("SELECT kind, readings FROM quarantine ORDER BY id")

    async def balanced(self):
        health = self.pipeline.health()
        durable = await sync_to_async(tally.totals)(self.pipeline.store.run)
        return not health.imbalances and not health.waiting and not tally.imbalances(durable)


@asynccontextmanager
async def open_road(**options):
    inbox = BoundedInbox(**options)
    committed, acks, hellos = list[Committed](), list[AckMessage](), list[Announced]()
    made = pipeline.build(inbox, committed.append, acks.extend, hellos.extend, city_ms=lambda: NOW)
    road = Road(made, Loopback(inbox, city_ms=lambda: NOW), committed, acks, hellos)
    await road.pipeline.open()
    road.task = asyncio.create_task(road.pipeline.run())
    try:
        yield road
    finally:
        road.task.cancel()
        await asyncio.gather(road.task, return_exceptions=True)
        await road.pipeline.close()


@pytest.fixture
async def road(lamps):
    async with open_road() as road:
        yield road
