# SPDX-License-Identifier: Apache-2.0
"""Who is let in, and how soon a change is known."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from smartcity.devices.credentials import digest
from smartcity.devices.models import Device, GatewayToken, Series
from smartcity.ingest import registry as registries
from smartcity.ingest import roster
from smartcity.ingest.registry import NotLoaded, Registry
from smartcity.transports.messages import Identity, Refusal
from tests.ingest.conftest import POWER, SECRETS, TOKEN, make_device

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]


@pytest.fixture
async def registry(lamps, monkeypatch):
    monkeypatch.setattr(registries, "EVERY_S", 0.05)
    registry = Registry()
    await registry.load()
    task = asyncio.create_task(registry.run())
    yield registry
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def comes_true(claim, within_s=5):
    async with asyncio.timeout(within_s):
        while not claim():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_the_right_secret_comes_in_and_every_other_does_not(registry):
    assert await registry.authenticate("L-1", SECRETS["L-1"].encode()) == Identity("L-1")
    assert await registry.authenticate("L-1", SECRETS["L-2"].encode()) == Refusal("wrong secret")
    assert await registry.authenticate("X-1", SECRETS["L-1"].encode()) == Refusal("unknown device")
    assert await registry.authenticate("L-9", SECRETS["L-9"].encode()) == Refusal("device retired")
    assert await registry.authenticate("L-1", b"") == Refusal("wrong secret")


async def test_a_device_without_a_secret_never_comes_in(registry):
    await Device.objects.filter(uid="L-1").aupdate(secret_sha256=None, secret_changed_at=timezone.now())
    registry.changed()
    await comes_true(lambda: registry.device("L-1").digest is None)
    for guess in (b"", b"None", SECRETS["L-1"].encode()):
        assert isinstance(await registry.authenticate("L-1", guess), Refusal)


async def test_a_token_speaks_for_its_devices_until_it_is_revoked(registry):
    assert registry.token(TOKEN).devices == {"L-1"}
    assert registry.token("guess") is None
    await GatewayToken.objects.aupdate(revoked_at=timezone.now())
    await comes_true(lambda: registry.token(TOKEN) is None)


async def test_a_token_learns_of_another_device(registry, lamps):
    token = await GatewayToken.objects.aget()
    await token.devices.aadd(lamps["L-2"])
    await comes_true(lambda: registry.token(TOKEN).devices == {"L-1", "L-2"})


async def test_a_new_device_and_a_new_series_are_known_by_themselves(registry, lamps):
    made = await sync_to_async(make_device)("L-3", lamps["L-1"].asset.zone)
    await comes_true(lambda: registry.device("L-3") and POWER in registry.device("L-3").series)
    added = await Series.objects.acreate(device=made, metric="lighting.fault")
    await comes_true(lambda: registry.device("L-3").series.get("lighting.fault") == added.pk)


async def test_rotating_retiring_and_removing_end_the_sessions(registry, lamps):
    ended = []
    registry.on_revoked = lambda uid, reason: ended.append((uid, reason))
    rotated = {"secret_sha256": digest("f" * 64), "secret_changed_at": timezone.now()}
    await Device.objects.filter(uid="L-1").aupdate(**rotated)
    await comes_true(lambda: ended == [("L-1", "secret changed")])
    await Device.objects.filter(uid="L-2").aupdate(retired_at=timezone.now())
    await comes_true(lambda: ended[1:] == [("L-2", "device retired")])
    await Device.objects.filter(uid="L-1").adelete()
    await comes_true(lambda: ended[2:] == [("L-1", "device removed")])


async def test_a_database_that_is_away_leaves_the_last_known_in_place(registry, monkeypatch):
    def away():
        raise DatabaseError("gone")

    monkeypatch.setattr(roster, "mark", away)
    monkeypatch.setattr(roster, "load", away)
    registry.changed()
    await asyncio.sleep(0.2)
    assert await registry.authenticate("L-1", SECRETS["L-1"].encode()) == Identity("L-1")
    monkeypatch.undo()
    await make_and_wait(registry)


async def make_and_wait(registry):
    await Device.objects.filter(uid="L-2").aupdate(retired_at=timezone.now())
    registry.changed()
    await comes_true(lambda: registry.device("L-2").is_retired)


async def test_before_the_devices_were_read_nobody_is_let_in(lamps):
    with pytest.raises(NotLoaded):
        await Registry().authenticate("L-1", b"x")


async def test_reading_everything_takes_few_queries_however_many_devices(lamps, django_assert_max_num_queries):
    def load():
        with django_assert_max_num_queries(8):
            roster.load()

    await sync_to_async(load)()
