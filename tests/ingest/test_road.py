# SPDX-License-Identifier: Apache-2.0
"""The whole road behind the transports: what comes in is stored or set aside with its reason, and then acknowledged."""

from __future__ import annotations

import asyncio
import json
import math

import pytest
from asgiref.sync import sync_to_async
from django.db import DataError, OperationalError

from smartcity.devices.models import Device
from smartcity.ingest import pipeline
from smartcity.kernel import codecs as kernel_codecs
from smartcity.kernel.quality import Quality
from smartcity.telemetry import read
from smartcity.transports.messages import QUOTA_EXCEEDED
from tests.ingest.conftest import LEVEL, NOW, POWER, senml, series

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
DAY = 86_400_000


async def test_a_message_is_stored_then_acknowledged_then_told(road):
    outcome = await road.say(senml(41.5, 42.5))
    power = await sync_to_async(series)()
    assert outcome.is_stored
    assert await road.readings() == [(NOW, power, 41.5, 0), (NOW + 1000, power, 42.5, 0)]
    assert road.committed[0].value.tolist() == [41.5, 42.5]
    device = await Device.objects.aget(uid="L-1")
    assert await sync_to_async(read.last_seen)([device.pk]) == {device.pk: NOW}
    assert await road.balanced()


async def test_a_message_sent_again_is_acknowledged_and_changes_nothing(road):
    for _ in range(3):
        assert (await road.say(senml(41.5))).is_stored
    assert len(await road.readings()) == 1
    assert len(road.committed) == 1
    assert road.pipeline.health().counts["readings.duplicate"] == 2
    assert await road.balanced()


BROKEN = {
    "invalid JSON": (b"{", "bad payload"),
    "not SenML": (b'{"a": 1}', "bad payload"),
    "a record without a value": (b'[{"n":"lighting.power_w","t":1800000000}]', "bad payload"),
    "deep nesting": (b"[" * 30_000, "bad payload"),
    "bytes that are no text": (b"\xff\xfe\x00\x01", "bad payload"),
    "NaN": (b'[{"n":"lighting.power_w","v":NaN,"t":1800000000}]', "bad payload"),
    "infinity": (b'[{"n":"lighting.power_w","v":1e999,"t":1800000000}]', "bad payload"),
    "a time without zone": (b'[{"n":"lighting.power_w","v":1,"t":"2027-01-15T08:00:00"}]', "bad payload"),
    "a time relative to now": (b'[{"n":"lighting.power_w","v":1,"t":-5}]', "bad payload"),
    "nothing at all": (b"", "bad payload"),
}


@pytest.mark.parametrize("payload,kind", BROKEN.values(), ids=BROKEN.keys())
async def test_what_cannot_be_read_is_set_aside_and_acknowledged(road, payload, kind):
    outcome = await road.say(payload)
    assert outcome.is_stored
    assert outcome.reason
    assert (await road.quarantine(), await road.readings()) == ([(kind, 0)], [])
    assert await road.balanced()


UNFIT = {
    "a metric nobody declared": (senml(1.0, name="lighting.colour"), "unknown metric"),
    "a metric of another domain": (senml(1.0, name="traffic.flow"), "metric not set up"),
    "a unit that does not match": (senml(1.0, u="kW"), "unit mismatch"),
    "a time in the future": (senml(1.0, at=NOW + 3_600_000), "future"),
    "a time in 1985": (senml(1.0, at=480_000_000_000), "clock unset"),
}


@pytest.mark.parametrize("payload,kind", UNFIT.values(), ids=UNFIT.keys())
async def test_a_reading_that_fits_nowhere_is_set_aside_and_the_others_are_stored(road, payload, kind):
    good = json.loads(senml(7.0, name=LEVEL))
    assert (await road.say(json.dumps(json.loads(payload) + good).encode())).is_stored
    assert await road.quarantine() == [(kind, 1)]
    assert [value for _, _, value, _ in await road.readings()] == [7.0]
    assert await road.balanced()


async def test_a_time_in_1970_is_no_absolute_time(road):
    await road.say(senml(1.0, at=5_000))
    assert await road.quarantine() == [("bad payload", 0)]


async def test_the_right_unit_is_welcome(road):
    await road.say(senml(1.0, u="W"))
    assert len(await road.readings()) == 1


async def test_a_value_out_of_range_is_stored_as_suspect(road):
    await road.say(senml(5000.0))
    assert [row[2:] for row in await road.readings()] == [(5000.0, Quality.SUSPECT_RANGE)]


async def test_a_reading_without_time_is_dated_by_its_arrival_and_marked_estimated(road):
    await road.say(b'[{"n":"lighting.power_w","v":1}]')
    assert [(at, quality) for at, _, _, quality in await road.readings()] == [(NOW, Quality.ESTIMATED)]


async def test_days_that_arrive_out_of_order_are_stored_and_the_latest_stays(road):
    for days in (0, 3, 1, 2):
        await road.say(senml(float(days), at=NOW - days * DAY))
    assert [value for _, _, value, _ in await road.readings()] == [3.0, 2.0, 1.0, 0.0]
    power = await sync_to_async(series)()
    assert (await sync_to_async(read.latest)([power]))[power].value == 0.0
    assert {quality for _, _, _, quality in (await road.readings())[:3]} == {Quality.LATE}


async def test_the_same_instant_with_another_value_is_counted_as_conflicting(road):
    await road.say(senml(1.0))
    await road.say(senml(2.0))
    assert [value for _, _, value, _ in await road.readings()] == [1.0]
    assert road.pipeline.health().counts["readings.conflicting"] == 1
    assert await road.balanced()


async def test_a_reading_for_a_retired_device_is_set_aside(road):
    assert (await road.say(senml(1.0), uid="L-9")).is_stored
    assert await road.quarantine() == [("retired device", 0)]


async def test_a_message_of_an_unknown_device_is_set_aside(road):
    await road.say(senml(1.0), uid="X-1")
    assert await road.quarantine() == [("unknown device", 0)]


async def test_a_device_that_fills_its_quarantine_is_refused_and_others_are_not(road):
    for _ in range(100):
        await road.say(b"{")
    outcome = await road.say(b"{")
    assert (outcome.is_stored, outcome.code) == (False, QUOTA_EXCEEDED)
    assert (await road.say(b"{", uid="L-2")).is_stored
    assert (await road.say(senml(1.0))).is_stored
    assert await road.balanced()


async def test_a_codec_that_breaks_its_promise_costs_only_its_message(road, monkeypatch):
    def breaks(payload, received_at_ms):
        raise KeyError("oh")

    from smartcity.kernel import senml as house

    monkeypatch.delattr(house.SenML, "columns")
    monkeypatch.setattr(house.SenML, "decode", lambda self, payload, at: breaks(payload, at))
    await road.say(senml(1.0))
    monkeypatch.undo()
    assert await road.quarantine() == [("codec failed", 0)]
    assert (await road.say(senml(1.0))).is_stored
    assert len(await road.readings()) == 1


async def test_a_codec_may_say_what_is_not_finite_and_it_is_not_stored(road, monkeypatch):
    from smartcity.kernel import senml as house

    said = [kernel_codecs.Observation(POWER, value, NOW) for value in (math.nan, math.inf)]
    monkeypatch.delattr(house.SenML, "columns")
    monkeypatch.setattr(house.SenML, "decode", lambda self, payload, at: said)
    await road.say(b"x")
    assert (await road.quarantine(), await road.readings()) == ([("not finite", 2)], [])
    assert await road.balanced()


@pytest.mark.parametrize("columns", [([POWER], [1.0, 2.0], [NOW]), ([POWER] * 2, [1.0] * 2, [NOW] * 2, ["W"])])
async def test_columns_that_are_not_of_one_length_cost_only_their_message(road, monkeypatch, columns):
    from smartcity.kernel import senml as house

    said = kernel_codecs.Observations(*columns)
    monkeypatch.setattr(house.SenML, "columns", lambda self, payload, at: said)
    await road.say(b"x")
    monkeypatch.undo()
    assert await road.quarantine() == [("codec failed", 0)]
    assert (await road.say(senml(1.0))).is_stored
    assert await road.balanced()


async def test_a_message_our_own_code_fails_on_is_set_aside_and_the_rest_of_its_batch_is_stored(road, monkeypatch):
    write = road.pipeline.store.write

    def picky(batch):
        if 13.0 in batch.readings.value:
            raise RuntimeError("unlucky")
        return write(batch)

    monkeypatch.setattr(road.pipeline.store, "write", picky)
    outcomes = [road.street.publish("L-1", "up", senml(float(n), at=NOW - n * 1000)) for n in range(20)]
    assert all([(await outcome).is_stored for outcome in outcomes])
    assert len(await road.readings()) == 19
    assert await road.quarantine() == [("not storable", 0)]
    assert await road.balanced()


async def test_an_answer_to_a_command_reaches_control(road):
    await road.say(b'{"id":"f12","state":"applied","at":1799999999000}', kind="ack")
    (ack,) = road.acks
    assert (ack.device, ack.id, ack.state, ack.reason, ack.at_ms) == ("L-1", "f12", "applied", "", NOW - 1000)
    assert await road.balanced()


@pytest.mark.parametrize("payload", [b'{"id":"","state":"applied"}', b'{"id":"1","state":"done"}', b"[]", b"\x00"])
async def test_an_answer_nobody_understands_is_set_aside(road, payload):
    await road.say(payload, kind="ack")
    assert (await road.quarantine(), road.acks) == ([("bad ack", 0)], [])


async def test_what_a_device_says_it_is_becomes_a_version_of_its_description(road):
    for stages in (2, 2, 3):
        assert (await road.say(json.dumps({"stages": stages}).encode(), kind="hello")).is_stored
    device = await Device.objects.aget(uid="L-1")
    assert (device.announced, device.announced_version) == ({"stages": 3}, 2)
    assert [(told.version, told.is_new) for told in road.hellos] == [(1, True), (1, False), (2, True)]
    assert await road.balanced()


NESTED = b'{"a":' * 985 + b"1" + b"}" * 985


@pytest.mark.parametrize("payload", [b"[1]", b"{", b'{"a": "\\u0000"}', b'{"a":"' + b"x" * 70_000 + b'"}', NESTED])
async def test_a_description_that_is_none_is_set_aside(road, payload):
    await road.say(payload, kind="hello")
    assert await road.quarantine() == [("bad hello", 0)]


@pytest.mark.parametrize("problem", [RecursionError(), DataError("too long")])
async def test_a_description_our_own_code_fails_on_is_refused_and_the_others_are_stored(road, monkeypatch, problem):
    store = pipeline._store_announcements

    async def picky(announcements):
        if any(announcement.description == {"unlucky": True} for announcement in announcements):
            raise problem
        return await store(announcements)

    monkeypatch.setattr(pipeline, "_store_announcements", picky)
    said = [("L-1", b'{"stages": 2}'), ("L-2", b'{"unlucky": true}'), ("L-1", b'{"stages": 3}')]
    outcomes = [road.street.publish(uid, "hello", payload) for uid, payload in said]
    async with asyncio.timeout(5):
        assert [(await outcome).is_stored for outcome in outcomes] == [True, False, True]
    assert (await Device.objects.aget(uid="L-1")).announced == {"stages": 3}
    assert (await road.say(senml(1.0))).is_stored
    assert await road.balanced()


async def test_a_description_waits_while_the_database_is_locked(road, monkeypatch):
    store, problems = pipeline._store_announcements, [OperationalError("database is locked")]

    async def locked(announcements):
        if problems:
            raise problems.pop()
        return await store(announcements)

    monkeypatch.setattr(pipeline, "_store_announcements", locked)
    assert (await road.say(b'{"stages": 2}', kind="hello")).is_stored
    assert (await Device.objects.aget(uid="L-1")).announced == {"stages": 2}


async def test_a_listener_that_fails_does_not_stop_the_road(road):
    def fails(news):
        raise RuntimeError("oh")

    road.pipeline.on_commit = fails
    assert (await road.say(senml(1.0))).is_stored
    assert (await road.say(senml(1.0, at=NOW + 1000))).is_stored
