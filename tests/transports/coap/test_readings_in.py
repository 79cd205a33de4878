# SPDX-License-Identifier: Apache-2.0
"""Readings over CoAP, by the library's own client: what is taken, what is answered, and when."""

from __future__ import annotations

import asyncio

import cbor2
import pytest
from aiocoap import Unreliable
from aiocoap.numbers.codes import Code

from smartcity.transports.messages import QUARANTINE_FULL, Outcome
from tests.transports.coap.street import CBOR, PACK, Device, open_quay, opened, wire
from tests.transports.street import CITY_MS, until

CBOR_PACK = cbor2.dumps([{0: "lighting.power_w", 2: 41.5, 6: 1_700_000_000}])


async def test_a_device_hears_2_04_only_after_the_commit(quay):
    device = await quay.client()
    posting = asyncio.create_task(device.post())
    await until(lambda: len(quay.inbox) == 1)
    await asyncio.sleep(0.3)
    assert not posting.done()
    (message,) = await quay.inbox.take(within_s=0)
    message.settle(Outcome.STORED)
    assert (await posting).code == Code.CHANGED
    said = (message.device, message.kind, message.payload, message.transport, message.codec, message.received_at_ms)
    assert said == ("L-1", "up", PACK, "coap", "senml", CITY_MS)


async def test_nothing_at_all_is_said_before_the_commit_not_even_that_it_has_arrived(quay):
    raw, device = await quay.raw(), Device()
    quay.run_pipeline()
    await raw.introduced(device)
    quay._pipeline.cancel()
    raw.say(device.datagram(mid=5))
    await until(lambda: len(quay.inbox) == 1)
    raw.say(device.datagram(mid=6))
    assert await raw.hears_nothing(0.5)


async def test_senml_in_cbor_and_a_codec_of_the_devices_own_are_taken(busy_quay):
    device = await busy_quay.client()
    assert (await device.post(CBOR_PACK, content_format=CBOR)).code == Code.CHANGED
    assert (await device.post(b"\x01\x02", content_format=42)).code == Code.CHANGED
    assert [(m.payload, m.codec) for m in busy_quay.stored] == [(CBOR_PACK, "senml"), (b"\x01\x02", "")]


async def test_without_confirmation_it_is_stored_and_answered_just_as_well(busy_quay):
    device = await busy_quay.client()
    message = device.message(transport_tuning=Unreliable)
    answer = await asyncio.wait_for(device.context.request(message).response, 5)
    assert answer.code == Code.CHANGED and len(busy_quay.stored) == 1


async def test_two_devices_at_once_are_told_apart(busy_quay):
    first, second = await busy_quay.client("L-1"), await busy_quay.client("L-2")
    await asyncio.gather(*(device.post() for device in (first, second) for _ in range(5)))
    assert sorted(m.device for m in busy_quay.stored) == ["L-1"] * 5 + ["L-2"] * 5


async def test_a_long_message_comes_in_blocks_and_is_one(busy_quay):
    device = await busy_quay.client()
    long = b"[" + b",".join(PACK[1:-1] for _ in range(200)) + b"]"
    assert len(long) > 9_000
    assert (await device.post(long)).code == Code.CHANGED
    (message,) = busy_quay.stored
    assert message.payload == long
    counters = busy_quay.door.counters
    assert (counters.received, counters.stored, counters.in_flight) == (1, 1, 0) and counters.blocks > 5
    assert busy_quay.door._transfers.held == 0


async def test_a_message_too_long_is_4_13_and_says_how_long_one_may_be(busy_quay):
    device = await busy_quay.client()
    await device.post()
    answer = await device.post(b"[" + b" " * 70_000 + b"]", within_s=20)
    assert (answer.code, answer.opt.size1) == (Code.REQUEST_ENTITY_TOO_LARGE, 65_536)
    assert len(busy_quay.stored) == 1 and busy_quay.door._transfers.held == 0


async def test_a_message_with_a_block_missing_begins_again(busy_quay):
    raw, device = await busy_quay.raw(), Device()
    await raw.introduced(device)
    for mid, block in ((1, (0, True, 0)), (2, (2, False, 0))):
        outer, proof = device.request(b"x" * 16, block1=block)
        answer = opened(device, await raw.ask(wire(outer, mid)), proof)
    assert answer.code == Code.REQUEST_ENTITY_INCOMPLETE
    assert len(busy_quay.stored) == 1  # the introduction


async def test_long_messages_under_way_are_bounded_over_all_devices(tmp_path):
    async with open_quay(tmp_path, max_transfers=1_000) as quay:
        quay.run_pipeline()
        raw, first, second = await quay.raw(), Device("L-1"), Device("L-2")
        await raw.introduced(first)
        await raw.introduced(second, mid=61_000)
        answers = []
        for mid, device in enumerate((first, second)):
            outer, proof = device.request(b"x" * 1024, block1=(0, True, 6))
            answers.append(opened(device, await raw.ask(wire(outer, mid)), proof))
        assert [answer.code for answer in answers] == [Code.CONTINUE, Code.SERVICE_UNAVAILABLE]
        assert answers[1].opt.max_age == 5


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"content_format": 0}, Code.UNSUPPORTED_CONTENT_FORMAT),
        ({"content_format": None}, Code.UNSUPPORTED_CONTENT_FORMAT),
        ({"path": "down"}, Code.NOT_FOUND),
        ({"path": ".well-known/core"}, Code.NOT_FOUND),
        ({"code": Code.PUT}, Code.METHOD_NOT_ALLOWED),
        ({"accept": 50}, Code.BAD_OPTION),
    ],
)
async def test_what_is_no_posting_of_readings_is_told_so_and_counted(busy_quay, options, code):
    device = await busy_quay.client()
    assert (await device.post(**options)).code == code
    assert busy_quay.stored == []
    assert (busy_quay.door.counters.received, busy_quay.door.counters.in_flight) == (1, 0)


def set_aside(message):
    return Outcome.quarantined("bad payload: so it is")


@pytest.mark.parametrize(
    ("payload", "media", "code"),
    [
        (b'[{"n":"\xff","v":1}]', 110, Code.BAD_REQUEST),
        (b'[{"n":"lighting.power_w","v":NaN}]', 110, Code.BAD_REQUEST),
        (b'[{"n":"lighting.power_w","v":1e999}]', 110, Code.BAD_REQUEST),
        (cbor2.dumps([{0: "lighting.power_w", 2: float("inf")}]), 112, Code.BAD_REQUEST),
        (CBOR_PACK[:-3], 112, Code.BAD_REQUEST),
        (b"\x81" * 900, 112, Code.BAD_REQUEST),
        (b"", 110, Code.BAD_REQUEST),
        (PACK, 110, Code.CHANGED),  # readable: only some of it was set aside, the rest is committed
    ],
)
async def test_what_cannot_be_read_is_kept_aside_and_answered_4_00(quay, payload, media, code):
    quay.run_pipeline(set_aside)
    device = await quay.client()
    answer = await device.post(payload, content_format=media)
    assert (answer.code, answer.payload) == (code, b"bad payload: so it is")
    assert quay.stored[0].payload == payload and quay.door.counters.stored == 1


async def test_a_full_quarantine_refuses_and_says_when_to_come_again(quay):
    quay.run_pipeline(lambda message: QUARANTINE_FULL)
    answer = await (await quay.client()).post(b"[")
    assert (answer.code, answer.opt.max_age) == (Code.TOO_MANY_REQUESTS, 60)
    assert quay.door.counters.refused == {"quarantine is full": 1}


async def test_a_city_that_is_behind_says_5_03_and_when_to_come_again(tmp_path):
    async with open_quay(tmp_path, max_messages=1, commit_within_s=0.3) as quay:
        device = await quay.client()
        first = await device.post()
        assert (first.code, first.payload, first.opt.max_age) == (Code.SERVICE_UNAVAILABLE, b"not stored yet", 5)
        second = await device.post()
        assert (second.code, second.opt.max_age) == (Code.SERVICE_UNAVAILABLE, 5)
        assert quay.door.counters.refused == {"service unavailable": 1} and quay.door.counters.in_flight == 1
        quay.run_pipeline()
        await until(lambda: quay.door.counters.in_flight == 0)
        assert (await device.post()).code == Code.CHANGED


async def test_a_device_that_says_too_much_is_told_when_to_go_on_and_others_are_not(tmp_path):
    async with open_quay(tmp_path, rate_s=0.5, burst=2) as quay:
        quay.run_pipeline()
        hasty, calm = await quay.client("L-1"), await quay.client("L-2")
        codes = [(await hasty.post()).code for _ in range(3)]
        assert codes == [Code.CHANGED, Code.CHANGED, Code.TOO_MANY_REQUESTS]
        assert 1 <= (await hasty.post()).opt.max_age <= 3
        assert (await calm.post()).code == Code.CHANGED


async def test_a_secret_that_changed_counts_at_once(busy_quay):
    device = await busy_quay.client()
    await device.post()
    busy_quay.secrets.put("L-1", b"\x01" * 32)
    assert (await device.turned_away()).code == Code.UNAUTHORIZED
    busy_quay.secrets.remove("L-1")
    assert (await device.turned_away()).code == Code.UNAUTHORIZED
    assert busy_quay.door.counters.auth_failures == {"wrong secret": 1, "unknown device": 1}
