# SPDX-License-Identifier: Apache-2.0
"""From a datagram to the database: the same road, the same promises, with the registry's own keys."""

from __future__ import annotations

from contextlib import asynccontextmanager

import cbor2
import pytest
from aiocoap.numbers.codes import Code
from asgiref.sync import sync_to_async

from smartcity.api.audit import Actor
from smartcity.devices import provisioning
from smartcity.devices.models import Device
from smartcity.transports.coap.door import Door
from smartcity.transports.coap.numbering import Numbers
from tests.ingest.conftest import NOW, POWER, SECRETS, senml
from tests.transports.coap.street import CBOR, Quay

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]


@asynccontextmanager
async def open_quay(road, folder):
    door = Door(
        road.pipeline.inbox, road.pipeline.registry, Numbers(folder / "coap.sequence", NOW), city_ms=lambda: NOW
    )
    quay = Quay(door, road.pipeline.inbox, road.pipeline.registry, await door.serve(port=0))
    try:
        yield quay
    finally:
        await quay.close()


async def test_a_device_finds_its_readings_stored_when_it_hears_2_04(road, tmp_path):
    async with open_quay(road, tmp_path) as quay:
        device = await quay.client("L-1", SECRETS["L-1"])
        assert (await device.post(senml(1.0, 2.0))).code == Code.CHANGED
        assert [value for _, _, value, _ in await road.readings()] == [1.0, 2.0]
        pack = cbor2.dumps([{0: POWER, 1: "W", 2: 3, 6: NOW / 1000 + 5}])
        assert (await device.post(pack, content_format=CBOR)).code == Code.CHANGED
        assert [value for _, _, value, _ in await road.readings()] == [1.0, 2.0, 3.0]
        assert await road.balanced() and quay.door.counters.in_flight == 0


async def test_what_cannot_be_read_is_in_quarantine_with_the_reason_and_the_ledger_balances(road, tmp_path):
    async with open_quay(road, tmp_path) as quay:
        device = await quay.client("L-1", SECRETS["L-1"])
        answer = await device.post(b'[{"n":"\xff"}]')
        assert answer.code == Code.BAD_REQUEST and answer.payload.startswith(b"not SenML JSON")
        answer = await device.post(senml(1.0, u="lm"))
        assert (answer.code, answer.payload) == (Code.CHANGED, b"lighting.power_w is in 'W', the device says 'lm'")
        assert await road.quarantine() == [("bad payload", 0), ("unit mismatch", 1)]
        assert await road.rows("SELECT DISTINCT transport FROM quarantine") == [("coap",)]
        assert await road.balanced()


async def test_a_retired_device_and_one_without_a_secret_do_not_come_in(road, tmp_path):
    await sync_to_async(Device.objects.filter(uid="L-2").update)(secret_sha256=None)
    await road.pipeline.registry.load()
    async with open_quay(road, tmp_path) as quay:
        for uid in ("L-9", "L-2"):
            device = await quay.client(uid, SECRETS[uid])
            assert (await device.turned_away()).code == Code.UNAUTHORIZED
        assert quay.door.counters.auth_failures == {"device retired": 1, "wrong secret": 1}


async def test_a_rotated_secret_is_the_one_that_counts(road, tmp_path):
    lamp = await Device.objects.aget(uid="L-1")
    issued = await sync_to_async(provisioning.rotate)(lamp, Actor("eva"), "lost")
    await road.pipeline.registry.load()
    async with open_quay(road, tmp_path) as quay:
        old, new = await quay.client("L-1", SECRETS["L-1"]), await quay.client("L-1", issued.secret)
        assert (await old.turned_away()).code == Code.UNAUTHORIZED
        assert (await new.post(senml(1.0))).code == Code.CHANGED
