# SPDX-License-Identifier: Apache-2.0
"""The same thing said twice: by an impatient device, by somebody who listened, before and after a restart."""

from __future__ import annotations

import pytest
from aiocoap import Message
from aiocoap.numbers.codes import Code

from smartcity.transports.coap.exchanges import LIFETIME_S, Exchanges
from smartcity.transports.coap.numbering import AT_ONCE, BEGAN_MS, Numbers
from tests.transports.coap.street import Device, open_quay, opened, wire
from tests.transports.street import CITY_MS, until


async def test_said_again_by_the_device_it_is_stored_once_and_answered_again(busy_quay):
    raw, device = await busy_quay.raw(), Device()
    await raw.introduced(device)
    datagram = device.datagram(mid=7)
    answers = [await raw.ask(datagram) for _ in range(3)]
    assert len(set(answers)) == 1 and busy_quay.door.counters.duplicates == 2
    assert len(busy_quay.stored) == 2  # the introduction and this


async def test_said_again_while_it_is_under_way_it_is_answered_once(quay):
    raw, device = await quay.raw(), Device()
    quay.run_pipeline()
    await raw.introduced(device)
    quay._pipeline.cancel()
    datagram = device.datagram(mid=7)
    for _ in range(3):
        raw.say(datagram)
    await until(lambda: quay.door.counters.duplicates == 2)
    assert len(quay.inbox) == 1
    quay.run_pipeline()
    await raw.hear()
    assert await raw.hears_nothing()


async def test_without_confirmation_a_duplicate_is_not_answered(busy_quay):
    raw, device = await busy_quay.raw(), Device()
    await raw.introduced(device)
    datagram = device.datagram(mid=7, kind=1)
    await raw.ask(datagram)
    raw.say(datagram)
    assert await raw.hears_nothing() and busy_quay.door.counters.duplicates == 1


async def test_said_again_by_somebody_who_listened_it_is_refused_and_counted(busy_quay):
    raw, device, listener = await busy_quay.raw(), Device(), await busy_quay.raw()
    await raw.introduced(device)
    datagram = device.datagram(mid=7)
    await raw.ask(datagram)
    answer = Message.decode(await listener.ask(datagram))
    assert (answer.code, answer.payload) == (Code.UNAUTHORIZED, b"")
    assert busy_quay.door.counters.auth_failures == {"replayed": 1} and len(busy_quay.stored) == 2


async def test_two_devices_behind_one_address_may_use_the_same_message_id(busy_quay):
    raw, first, second = await busy_quay.raw(), Device("L-1"), Device("L-2")
    await raw.introduced(first)
    await raw.introduced(second, mid=61_000)
    for device in (first, second):
        outer, proof = device.request()
        assert opened(device, await raw.ask(wire(outer, 5)), proof).code == Code.CHANGED
    assert len(busy_quay.stored) == 4 and busy_quay.door.counters.duplicates == 0


async def test_after_a_restart_the_device_is_challenged_once_and_goes_on_with_its_numbers(tmp_path):
    device = Device()
    for runs in (1, 2):
        async with open_quay(tmp_path) as quay:
            quay.run_pipeline()
            client = await quay.client(device=device)
            codes = [(await client.post()).code for _ in range(3)]
            assert codes == [Code.CHANGED] * 3 and len(quay.stored) == 3
            assert quay.door.counters.challenged == 1
            assert device.sender_sequence_number == 4 * runs


async def test_what_was_heard_before_a_restart_is_worth_nothing_after_it(tmp_path):
    device = Device()
    async with open_quay(tmp_path) as quay:
        quay.run_pipeline()
        raw = await quay.raw()
        asking, proof = device.request()
        echo = opened(device, await raw.ask(wire(asking, 1)), proof).opt.echo
        fresh = device.datagram(mid=2, echo=echo)
        await raw.ask(fresh)
        later = device.datagram(mid=3)
        await raw.ask(later)
    async with open_quay(tmp_path) as quay:
        quay.run_pipeline()
        raw = await quay.raw()
        for heard in (wire(asking, 1), fresh, later):
            raw.say(heard)
        await until(lambda: quay.door.counters.challenged == 3)
        again = await quay.raw()
        await again.introduced(device)
        for heard in (fresh, later):
            await again.ask(heard)
        assert quay.door.counters.auth_failures == {"replayed": 2} and len(quay.stored) == 1


async def test_no_number_is_used_for_two_answers_under_one_key_over_restarts(tmp_path):
    device, used = Device(), []
    for _ in range(3):
        async with open_quay(tmp_path) as quay:
            raw = await quay.raw()
            for mid in range(4):
                option = Message.decode(await raw.ask(device.datagram(mid=mid))).opt.oscore
                used.append(option[1 : 1 + (option[0] & 7)])
    assert len(set(used)) == 12


async def test_where_no_number_can_be_reserved_nobody_is_challenged(tmp_path):
    async with open_quay(tmp_path) as quay:
        (tmp_path / "file").write_text("")
        quay.door._guard._numbers.path = tmp_path / "file" / "coap.sequence"
        raw = await quay.raw()
        raw.say(Device().datagram())
        assert await raw.hears_nothing()
        assert "no number for an answer" in quay.door.counters.ignored


def test_numbers_go_on_after_any_end_and_where_the_file_was_lost_or_the_clock_went_back(tmp_path):
    path, wall = tmp_path / "coap.sequence", CITY_MS + 100_000_000_000
    first = Numbers(path, wall)
    taken = [first.take() for _ in range(AT_ONCE + 3)]
    assert taken == list(range(wall - BEGAN_MS, wall - BEGAN_MS + AT_ONCE + 3))
    assert Numbers(path, 0).take() > taken[-1]
    path.unlink()
    assert Numbers(path, wall + 60_000).take() > taken[-1]


@pytest.mark.parametrize(("later", "kept"), [(1.0, 2), (LIFETIME_S + 1, 1)])
def test_exchanges_are_forgotten_after_their_life_and_before_they_are_too_many(later, kept):
    exchanges = Exchanges(2)
    exchanges.open((("a", 1), b"1"), 0.0)
    exchanges.open((("a", 1), b"2"), later)
    assert len(exchanges) == kept
    exchanges.open((("a", 1), b"3"), later)
    assert len(exchanges) == 2 and exchanges.find((("a", 1), b"1")) is None
