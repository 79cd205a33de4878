# SPDX-License-Identifier: Apache-2.0
"""Batches of a device's event log: stored whole, once, with the error of its clock, before they are acknowledged."""

from __future__ import annotations

import pytest
from channels.db import database_sync_to_async

from smartcity.devices.models import Device
from smartcity.telemetry import event_log, upkeep
from smartcity.telemetry.store import Store
from tests.ingest.conftest import NOW
from traffic import event_codec
from traffic.event_codec import Event

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
DAY = 86_400_000
EVENTS = [Event(NOW - 20_000, 1, 2), Event(NOW - 12_000, 82, 22)]


@database_sync_to_async
def kept(from_ms=NOW - DAY, to_ms=NOW + 1):
    return event_log.batches(Device.objects.get(uid="L-1").pk, from_ms, to_ms)


@pytest.fixture
def signal(lamps):
    Device.objects.filter(uid="L-1").update(codec=event_codec.SIGNAL.name)


async def test_a_batch_is_kept_as_it_came_with_the_error_of_the_clock_that_stamped_it(signal, road):
    payload = event_codec.write(EVENTS, 7, NOW - 1500)
    assert (await road.say(payload)).is_stored
    (batch,) = await kept()
    assert (batch.first_at, batch.number, batch.events, batch.packed) == (NOW - 20_000, 7, 2, payload)
    assert (batch.received_at, batch.clock_error_ms, batch.codec) == (NOW, -1500, "traffic_signal")
    assert road.pipeline.health().counts["events.received"] == 2
    assert await road.balanced()


async def test_a_batch_sent_again_changes_nothing(signal, road):
    for _ in range(3):
        assert (await road.say(event_codec.write(EVENTS, 7, NOW))).is_stored
    assert len(await kept()) == 1
    assert await road.balanced()


async def test_a_clock_a_day_off_and_a_damaged_batch_are_set_aside(signal, road):
    far = event_codec.write([Event(NOW - 3 * DAY, 1, 2)], 1, NOW - 2 * DAY)
    assert (await road.say(far)).reason.startswith("the event log's clock")
    assert "damaged" in (await road.say(event_codec.write(EVENTS, 2, NOW)[:-1] + b"?")).reason
    assert await kept(0) == []
    assert await road.balanced()


async def test_a_span_finds_the_batches_that_reach_into_it(signal, road):
    await road.say(event_codec.write(EVENTS, 7, NOW))
    assert len(await kept(NOW - 15_000, NOW)) == 1
    assert await kept(NOW - 11_999, NOW) == []
    assert await kept(NOW - DAY, NOW - 20_000) == []


async def test_retention_deletes_what_is_past_its_days_and_says_how_much(signal, road, settings):
    settings.EVENT_LOG_DAYS = 3
    await road.say(event_codec.write(EVENTS, 7, NOW))

    @database_sync_to_async
    def swept(at):
        store = Store()
        try:
            return upkeep.retain(store, at).events
        finally:
            store.close()

    assert (await swept(NOW + 2 * DAY), len(await kept())) == (0, 1)
    assert (await swept(NOW + 5 * DAY), await kept()) == (1, [])
