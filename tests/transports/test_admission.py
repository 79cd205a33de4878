# SPDX-License-Identifier: Apache-2.0
"""Who gets in, and what those hear who do not."""

from __future__ import annotations

import asyncio

import mqtt5
import pytest
from mqtt5 import ConnAckReasonCode as Code
from mqtt5 import DisconnectReasonCode

from smartcity.transports.mqtt.backoff import Backoff
from tests.transports.street import SECRETS, RawDevice, open_street, until


async def test_a_device_with_its_secret_is_let_in_and_told_the_rules(street):
    answer = await street.device().arrive()
    assert answer.reason_code is Code.SUCCESS
    assert answer.max_qos is mqtt5.QoS.AT_LEAST_ONCE
    assert answer.receive_max == street.gateway.limits.receive_max
    assert answer.max_packet_size == street.gateway.limits.max_packet
    assert not (answer.retain_available or answer.wildcard_subscription_available or answer.session_present)
    assert not (answer.shared_subscription_available or answer.subscription_id_available)
    assert street.gateway.connected["L-1"].version == "MQTT 5"


@pytest.mark.parametrize(("uid", "secret"), [("L-1", "b" * 64), ("L-9", "a" * 64), ("", ""), ("L-1", "")])
async def test_wrong_secret_and_unknown_device_sound_the_same(street, uid, secret):
    device = RawDevice(street.port, uid, secret)
    assert (await device.arrive()).reason_code is Code.BAD_USER_NAME_OR_PASSWORD
    assert await device.hear() is None
    assert street.gateway.counters.auth_failures.total() == 1
    assert not street.gateway.connected


async def test_nothing_is_read_before_the_secret_was_checked(street):
    device = await RawDevice(street.port, "L-1", "wrong").dial()
    device.send(
        mqtt5.ConnectPacket("x", username="L-1", password=b"wrong"),
        mqtt5.PublishPacket("sc/L-1/up", b"{}", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1),
    )
    assert (await device.hear()).reason_code is Code.BAD_USER_NAME_OR_PASSWORD
    assert len(street.inbox) == 0


async def test_what_follows_connect_in_the_same_breath_is_handled_after_it(busy_street):
    device = await busy_street.device().dial()
    device.send(
        mqtt5.ConnectPacket("x", username="L-1", password=SECRETS["L-1"].encode()),
        mqtt5.PublishPacket("sc/L-1/up", b"{}", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1),
    )
    assert (await device.hear()).reason_code is Code.SUCCESS
    assert (await device.hear()).packet_id == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("first_packet", "answer"),
    [
        (b"\x10\x0d\x00\x04MQTT\x06\x02\x00\x00\x00\x00\x00", b"\x20\x03\x00\x84\x00"),
        (b"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x00\x00\x00", b"\x20\x02\x00\x01"),
        (b"\x10\x0c\x00\x04MQTT\x04\x00\x00\x00\x00\x00", b"\x20\x02\x00\x02"),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (b"\xc0\x00", b""),
        (b"\x10\x0d\x00\x04MQTT\x04\x03\x00\x00\x00\x01d", b""),
        (b"\x10\x0e\x00\x04MQTT\x05\x03\x00\x00\x00\x00\x01d", b""),
        (b"\x30\x06\x00\x03\xff\xfe\xfd\x00", b""),
        (b"\x10\x06\x00\x04\xff\xfe\xfd\xfc", b""),
        (b"\x10\xff\xff\xff\x7f", b""),
        (b"\x10\xff\xff\xff\xff\x01", b""),
        (b"\x10\x80\x00", b""),
        (b"\x10\x10\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x03\xff\xfe\xfd", b""),
    ],
)
async def test_what_is_no_good_connect_is_answered_or_cut_off(street, first_packet, answer):
    device = await street.device().dial()
    device.say(first_packet)
    assert await device.hear_frame() == answer
    if answer:
        assert await device.hear_frame() == b""
    assert street.gateway.counters.received == 0


async def test_enhanced_authentication_is_refused(street):
    device = street.device(authentication_method="SCRAM-SHA-1")
    assert (await device.arrive()).reason_code is Code.BAD_AUTHENTICATION_METHOD


async def test_an_empty_client_id_is_given_one(street):
    answer = await street.device(client_id="").arrive()
    assert answer.assigned_client_id.startswith("auto-")


async def test_who_says_nothing_is_cut_off():
    async with open_street(connect_timeout_s=0.1) as street:
        device = await street.device().dial()
        assert await device.hear(1) is None
        await until(lambda: street.gateway.connections == 0)
        assert street.gateway.counters.closed["no CONNECT in time"] == 1


async def test_one_connection_too_many_is_cut_off():
    async with open_street(max_connections=1) as street:
        await street.device("L-1").arrive()
        assert await (await street.device("L-2").dial()).hear() is None
        assert street.gateway.counters.closed["too many connections"] == 1


async def test_an_authenticator_that_breaks_lets_nobody_in(street, caplog):
    async def broken(username: str, password: bytes):
        raise RuntimeError("no table")

    street.gateway.authenticator.authenticate = broken
    assert (await street.device().arrive()).reason_code is Code.SERVER_UNAVAILABLE
    assert "no table" in caplog.text


async def test_same_client_takes_its_session_over(street):
    old, new = street.device(), street.device()
    await old.arrive()
    await new.arrive()
    goodbye = await old.hear()
    assert goodbye.reason_code is DisconnectReasonCode.SESSION_TAKEN_OVER
    assert await old.hear() is None
    await until(lambda: street.gateway.connections == 1)
    assert street.gateway.is_connected("L-1")
    assert street.gone == []


async def test_another_client_of_the_device_may_stand_beside_it_but_not_a_third(street):
    devices = [street.device(client_id=name) for name in ("one", "two", "three")]
    for device in devices:
        await device.arrive()
    assert (await devices[0].hear()).reason_code is DisconnectReasonCode.SESSION_TAKEN_OVER
    assert await devices[1].hears_nothing()
    assert street.gateway.connected["L-1"].client_id == "three"


async def test_revoking_a_device_ends_its_live_session(street):
    device = street.device()
    await device.arrive()
    street.secrets.remove("L-1")
    assert street.gateway.disconnect("L-1", "secret revoked") == 1
    goodbye = await device.hear()
    assert goodbye.reason_code is DisconnectReasonCode.ADMINISTRATIVE_ACTION
    assert goodbye.reason_str == "secret revoked"
    assert street.gone == ["L-1"]
    assert (await street.device().arrive()).reason_code is Code.BAD_USER_NAME_OR_PASSWORD


async def test_guessing_gets_slower_while_good_devices_at_the_same_address_do_not(street):
    loop = asyncio.get_running_loop()
    started = loop.time()
    guesses = [asyncio.ensure_future(RawDevice(street.port, "L-1", "wrong").arrive()) for _ in range(8)]
    await until(lambda: street.gateway.counters.auth_failures.total() == len(guesses))
    await street.device("L-2").arrive()
    assert not all(guess.done() for guess in guesses)
    await asyncio.gather(*guesses)
    assert loop.time() - started >= 1.6


def test_backoff_doubles_to_its_longest_and_is_forgotten_in_peace():
    backoff = Backoff(max_held=100)
    assert [backoff.failed("a", 0) for _ in range(11)] == [0, 0, 0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]
    assert backoff.failed("b", 0) == 0
    assert backoff.failed("a", 61) == 0


def test_an_address_holds_only_so_many_refusals():
    backoff = Backoff(max_held=1)
    assert [backoff.failed("a", 0) > 0 for _ in range(5)] == [False, False, False, True, False]
    backoff.release("a")
    assert backoff.failed("a", 0) > 0


async def test_closing_tells_devices_to_come_back_later():
    async with open_street() as street:
        device = street.device()
        await device.arrive()
        await street.gateway.close()
        assert (await device.hear()).reason_code is DisconnectReasonCode.SERVER_SHUTTING_DOWN
