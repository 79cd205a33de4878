# SPDX-License-Identifier: Apache-2.0
"""Who cannot prove who he is: counted, told next to nothing, remembered not at all."""

from __future__ import annotations

import secrets

import pytest
from aiocoap import Message
from aiocoap.numbers.codes import Code
from hypothesis import example, given
from hypothesis import strategies as st

from smartcity.transports.coap import packet
from smartcity.transports.coap.packet import Malformed
from tests.transports.coap.street import PACK, Device, open_quay, opened, sealed, wire
from tests.transports.street import until


async def turned_away(quay, datagram):
    """What a stranger hears, and how much more that is than what he said."""
    raw = await quay.raw()
    answer = await raw.ask(datagram)
    return Message.decode(answer).code, len(answer) / len(datagram)


async def test_an_unknown_device_and_a_wrong_key_hear_the_same_and_are_counted_apart(busy_quay):
    unknown, wrong = Device("L-99").datagram(), Device("L-1", "f" * 64).datagram()
    answers = [await turned_away(busy_quay, datagram) for datagram in (unknown, wrong)]
    assert [code for code, _ in answers] == [Code.UNAUTHORIZED] * 2
    assert busy_quay.door.counters.auth_failures == {"unknown device": 1, "wrong secret": 1}
    assert busy_quay.stored == [] and busy_quay.door.counters.received == 0


def plain(code, path, **options):
    return wire(Message(code=code, uri_path=path, **options), 1)


@pytest.mark.parametrize(
    "datagram",
    [
        plain(Code.GET, (".well-known", "core")),
        plain(Code.GET, (".well-known", "edhoc")),
        plain(Code.POST, ("up",), payload=PACK, content_format=110),
        plain(Code.POST, ("up",), payload=b"x" * 1024, block1=(0, True, 6)),
        plain(Code.GET, ("up",), observe=0),
        plain(Code.POST, ("up",), oscore=b""),
        plain(Code.POST, (), oscore=b"\x19"),
        plain(Code.POST, (), oscore=b"\x1f\x01\x02\x03\x04\x05\x06\x07\x03L-1", payload=b"x" * 9),
        plain(Code.POST, (), oscore=b"\x39\x01\x03L-1", payload=b"x" * 9),
        plain(Code.POST, (), oscore=b"\x19\x01\x03L-1", payload=b""),
        plain(Code.POST, (), oscore=b"\x19\x01\x03L-1x", payload=b"x" * 40),
        plain(Code.POST, (), oscore=b"\x19\x01\x02\xff\xff", payload=b"x" * 40),
        plain(Code.POST, (), oscore=b"\x19\x01\xc8" + b"L" * 200, payload=b"x" * 40),
        plain(Code.FETCH, (), oscore=b"\x19\x01\x03L-1", payload=b"x" * 40),
        plain(Code.POST, (), oscore=b"\x19\x01\x03L-1", proxy_scheme="coap", payload=b"x" * 40),
    ],
)
async def test_a_stranger_gets_no_listing_no_state_and_no_more_bytes_than_he_sent(busy_quay, datagram):
    code, ratio = await turned_away(busy_quay, datagram)
    assert code in (Code.UNAUTHORIZED, Code.BAD_OPTION) and ratio <= 1
    door = busy_quay.door
    assert len(door._exchanges) == 0 and door._transfers.held == 0 and door.counters.received == 0
    assert door.counters.auth_failures.total() == 1 and "a fault of our own" not in door.counters.ignored


async def test_without_confirmation_a_stranger_hears_nothing(busy_quay):
    raw = await busy_quay.raw()
    raw.say(Device("L-99").datagram(kind=1))
    assert await raw.hears_nothing()
    assert busy_quay.door.counters.auth_failures == {"unknown device": 1}


async def test_strangers_are_answered_so_often_and_a_device_still_is_after_that(tmp_path):
    async with open_quay(tmp_path, stranger_rate_s=0.5) as quay:
        quay.run_pipeline()
        raw = await quay.raw()
        for mid in range(5):
            raw.say(plain(Code.GET, (".well-known", "core"))[:2] + mid.to_bytes(2, "big") + b"\x07")
        await until(lambda: quay.door.counters.auth_failures.total() == 5)
        await raw.hear()
        assert await raw.hears_nothing()
        assert (await (await quay.client()).post()).code == Code.CHANGED


async def test_who_only_wants_to_know_whether_somebody_is_there_hears_four_bytes(busy_quay):
    raw = await busy_quay.raw()
    assert await raw.ask(b"\x40\x00\x12\x34") == b"\x70\x00\x12\x34"


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (b"\x40\x02\x00", "too short"),
        (b"\x80\x02\x00\x01", "unknown version"),
        (b"\x49\x02\x00\x01" + b"t" * 9, "bad token"),
        (b"\x44\x02\x00\x01tt", "bad token"),
        (b"\x40\x02\x00\x01\x9d", "option cut off"),
        (b"\x40\x02\x00\x01\x9d\xff12", "option cut off"),
        (b"\x40\x02\x00\x01\xf0", "reserved length"),
        (b"\x40\x02\x00\x01\xff", "no payload after its marker"),
        (b"\x40\x02\x00\x01" + b"\x10" * 9, "too many options"),
        (b"\x60\x44\x00\x01", "no request"),
        (b"\x70\x00\x00\x01", "no request"),
        (b"\x40\xe1\x00\x01", "no request"),
    ],
)
async def test_what_is_no_request_is_counted_and_not_answered(busy_quay, datagram, why):
    raw = await busy_quay.raw()
    raw.say(datagram)
    await until(lambda: busy_quay.door.counters.ignored[why] == 1)
    assert await raw.hears_nothing(0.05)


async def test_a_datagram_cut_short_anywhere_breaks_nothing(busy_quay):
    """Every end of a right one: whatever was lost, nothing of it is believed."""
    raw, whole = await busy_quay.raw(), Device().datagram()
    for end in range(1, len(whole)):
        raw.say(whole[:end])
    counters = busy_quay.door.counters
    await until(lambda: counters.datagrams == len(whole) - 1)
    assert busy_quay.stored == [] and "a fault of our own" not in counters.ignored
    assert counters.auth_failures.total() + counters.ignored.total() == len(whole) - 1


async def test_a_datagram_that_is_too_large_is_4_13_in_few_bytes(busy_quay):
    code, ratio = await turned_away(busy_quay, Device().datagram(b"x" * 2_000))
    assert code == Code.REQUEST_ENTITY_TOO_LARGE and ratio < 0.01


async def test_noise_and_right_requests_with_a_byte_changed_are_counted_and_believed_never(busy_quay):
    raw, whole = await busy_quay.raw(), Device().datagram(kind=1)
    for place in range(len(whole)):
        raw.say(whole[:place] + bytes((whole[place] ^ 0x55,)) + whole[place + 1 :])
        if place % 20 == 0:
            raw.say(secrets.token_bytes(place + 1))
            await until(lambda: True)
    counters = busy_quay.door.counters
    await until(lambda: counters.datagrams >= len(whole))
    assert busy_quay.stored == [] and "a fault of our own" not in counters.ignored
    assert counters.received == 0


async def test_under_a_right_key_nonsense_is_no_request_and_breaks_nothing(busy_quay):
    raw, device = await busy_quay.raw(), Device()
    await raw.introduced(device)
    for mid, inside in enumerate((b"\x02\xbd", b"\x02\xb3\xff\xfe\xfd", b"\x00", b"\x44", b"\x1f", b"\x02\xf0" * 20)):
        raw.say(wire(sealed(device, inside)[0], mid))
        await raw.hear()
    counters = busy_quay.door.counters
    assert "a fault of our own" not in counters.ignored and len(busy_quay.stored) == 1
    assert (await (await busy_quay.client("L-2")).post()).code == Code.CHANGED


async def test_the_challenge_is_no_larger_than_the_request_it_answers(quay):
    raw, device = await quay.raw(), Device()
    datagram = device.datagram(b"[]")
    assert len(await raw.ask(datagram)) <= 1.5 * len(datagram)


async def test_an_answer_is_only_for_the_device_that_asked(busy_quay):
    raw, device = await busy_quay.raw(), Device()
    outer, proof = device.request()
    answer = await raw.ask(wire(outer, 1))
    assert opened(device, answer, proof).code == Code.UNAUTHORIZED
    with pytest.raises(ValueError):
        opened(Device("L-1", "f" * 64), answer, proof)


@example(b"\x00\x00\x00\x00\x00\x007\x00\x00\x00\x00\x00\x00\x80")
@given(st.binary(max_size=80))
def test_what_is_read_as_a_request_the_library_reads_alike(datagram):
    try:
        found = packet.read(b"\x44\x02" + datagram)
        other = Message.decode(b"\x44\x02" + datagram)
    except (Malformed, UnicodeDecodeError):  # the library's parser stumbles over text that is none
        return
    assert (found.token, found.number, found.payload) == (other.token, other.mid, other.payload)
    if found.is_understood:
        assert found.oscore == other.opt.oscore


async def test_a_fault_of_our_own_is_counted_logged_once_in_a_thousand_and_survived(busy_quay, monkeypatch, caplog):
    monkeypatch.setattr(busy_quay.door._guard, "open", None)
    raw = await busy_quay.raw()
    for mid in range(3):
        raw.say(plain(Code.GET, ("up",))[:2] + mid.to_bytes(2, "big") + b"\x07")
    await until(lambda: busy_quay.door.counters.ignored["a fault of our own"] == 3)
    monkeypatch.undo()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert (await (await busy_quay.client()).post()).code == Code.CHANGED
