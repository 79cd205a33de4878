# SPDX-License-Identifier: Apache-2.0
"""MQTT 3.1.1: the transcoder as a table of cases, and what a 3.1.1 device meets at the gateway."""

from __future__ import annotations

import asyncio

import mqtt5
import pytest
from mqtt5 import ConnAckReasonCode, DisconnectReasonCode, PubAckReasonCode, QoS, SubAckReasonCode, UnsubAckReasonCode

from smartcity.transports.messages import Outcome
from smartcity.transports.mqtt.framing import BadPacket
from smartcity.transports.mqtt.v311 import read_v311, write_v311
from tests.transports.street import SECRETS, RawDevice, open_street, until

CONNECT = b"\x00\x04MQTT\x04"
UP = b"\x00\x09sc/L-1/up"

READ = [
    (b"\x10\x0d" + CONNECT + b"\x02\x00\x3c\x00\x01d", mqtt5.ConnectPacket("d", clean_start=True, keep_alive=60)),
    (b"\x10\x0d" + CONNECT + b"\x00\x00\x00\x00\x01d", mqtt5.ConnectPacket("d")),
    (
        b"\x10\x13" + CONNECT + b"\xc2\x00\x00\x00\x01d\x00\x01u\x00\x01p",
        mqtt5.ConnectPacket("d", clean_start=True, username="u", password=b"p"),
    ),
    (
        b"\x10\x13" + CONNECT + b"\x0e\x00\x00\x00\x01d\x00\x01t\x00\x01w",
        mqtt5.ConnectPacket("d", clean_start=True, will=mqtt5.Will("t", payload=b"w", qos=QoS.AT_LEAST_ONCE)),
    ),
    (
        b"\x10\x16" + CONNECT + b"\xe6\x00\x00\x00\x01d\x00\x01t\x00\x00\x00\x01u\x00\x01p",
        mqtt5.ConnectPacket(
            "d", clean_start=True, username="u", password=b"p", will=mqtt5.Will("t", payload=b"", retain=True)
        ),
    ),
    (b"\x30\x04\x00\x01tx", mqtt5.PublishPacket("t", b"x")),
    (b"\x30\x03\x00\x01t", mqtt5.PublishPacket("t", b"")),
    (b"\x31\x04\x00\x01tx", mqtt5.PublishPacket("t", b"x", retain=True)),
    (b"\x32\x06\x00\x01t\x00\x07x", mqtt5.PublishPacket("t", b"x", qos=QoS.AT_LEAST_ONCE, packet_id=7)),
    (
        b"\x3a\x06\x00\x01t\x00\x07x",
        mqtt5.PublishPacket("t", b"x", qos=QoS.AT_LEAST_ONCE, packet_id=7, duplicate=True),
    ),
    (b"\x34\x06\x00\x01t\x00\x07x", mqtt5.PublishPacket("t", b"x", qos=QoS.EXACTLY_ONCE, packet_id=7)),
    (
        b"\x32\xcd\x01\x00\x01t\x00\x07" + b"x" * 200,
        mqtt5.PublishPacket("t", b"x" * 200, qos=QoS.AT_LEAST_ONCE, packet_id=7),
    ),
    (
        b"\x32\x7f\x00\x01t\x00\x07" + b"x" * 122,
        mqtt5.PublishPacket("t", b"x" * 122, qos=QoS.AT_LEAST_ONCE, packet_id=7),
    ),
    (b"\x40\x02\x00\x07", mqtt5.PubAckPacket(7)),
    (b"\x50\x02\x00\x07", mqtt5.PubRecPacket(7)),
    (b"\x62\x02\x00\x07", mqtt5.PubRelPacket(7)),
    (b"\x70\x02\x00\x07", mqtt5.PubCompPacket(7)),
    (
        b"\x82\x0a\x00\x07\x00\x01a\x00\x00\x01b\x01",
        mqtt5.SubscribePacket(
            7,
            [
                mqtt5.TopicFilter("a", max_qos=QoS.AT_MOST_ONCE, retain_as_published=False),
                mqtt5.TopicFilter("b", max_qos=QoS.AT_LEAST_ONCE, retain_as_published=False),
            ],
        ),
    ),
    (b"\xa2\x08\x00\x07\x00\x01a\x00\x01b", mqtt5.UnsubscribePacket(7, ["a", "b"])),
    (b"\xc0\x00", mqtt5.PingReqPacket()),
    (b"\xe0\x00", mqtt5.DisconnectPacket()),
]

MALFORMED = {
    "connect of MQTT 5": b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01d",
    "connect with a password and no name": b"\x10\x10" + CONNECT + b"\x42\x00\x00\x00\x01d\x00\x01p",
    "connect without its client id": b"\x10\x0a" + CONNECT + b"\x02\x00\x00",
    "connect whose client id runs over": b"\x10\x0d" + CONNECT + b"\x02\x00\x00\x00\x09d",
    "connect without the name it promised": b"\x10\x0d" + CONNECT + b"\x82\x00\x00\x00\x01d",
    "connect with bytes left over": b"\x10\x0e" + CONNECT + b"\x02\x00\x00\x00\x01dx",
    "empty connect": b"\x10\x00",
    "connack": b"\x20\x02\x00\x00",
    "publish without topic": b"\x30\x00",
    "publish with an empty topic": b"\x30\x03\x00\x00x",
    "publish whose topic runs over": b"\x30\x04\x00\x09tx",
    "publish without packet id": b"\x32\x03\x00\x01t",
    "publish with QoS 3": b"\x36\x06\x00\x01t\x00\x07x",
    "puback with a reason code": b"\x40\x03\x00\x07\x00",
    "pubrel with wrong flags": b"\x60\x02\x00\x07",
    "subscribe with wrong flags": b"\x80\x06\x00\x07\x00\x01a\x00",
    "subscribe with MQTT 5 options": b"\x82\x06\x00\x07\x00\x01a\x04",
    "subscribe with QoS 3": b"\x82\x06\x00\x07\x00\x01a\x03",
    "subscribe without QoS": b"\x82\x05\x00\x07\x00\x01a",
    "subscribe without packet id": b"\x82\x01\x00",
    "unsubscribe that runs over": b"\xa2\x05\x00\x07\x00\x09a",
    "ping with a body": b"\xc0\x01\x00",
    "disconnect with a reason": b"\xe0\x01\x00",
    "auth": b"\xf0\x00",
    "type 0": b"\x00\x00",
}

WRITTEN = [
    (mqtt5.ConnAckPacket(), b"\x20\x02\x00\x00"),
    (mqtt5.ConnAckPacket(receive_max=5, assigned_client_id="x"), b"\x20\x02\x00\x00"),
    (mqtt5.ConnAckPacket(reason_code=ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION), b"\x20\x02\x00\x01"),
    (mqtt5.ConnAckPacket(reason_code=ConnAckReasonCode.CLIENT_ID_NOT_VALID), b"\x20\x02\x00\x02"),
    (mqtt5.ConnAckPacket(reason_code=ConnAckReasonCode.SERVER_UNAVAILABLE), b"\x20\x02\x00\x03"),
    (mqtt5.ConnAckPacket(reason_code=ConnAckReasonCode.SERVER_BUSY), b"\x20\x02\x00\x03"),
    (mqtt5.ConnAckPacket(reason_code=ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD), b"\x20\x02\x00\x04"),
    (mqtt5.ConnAckPacket(reason_code=ConnAckReasonCode.NOT_AUTHORIZED), b"\x20\x02\x00\x05"),
    (mqtt5.ConnAckPacket(reason_code=ConnAckReasonCode.BANNED), b"\x20\x02\x00\x05"),
    (mqtt5.PublishPacket("t", b"x", message_expiry_interval=5), b"\x30\x04\x00\x01tx"),
    (mqtt5.PublishPacket("t", b"x", qos=QoS.AT_LEAST_ONCE, packet_id=7), b"\x32\x06\x00\x01t\x00\x07x"),
    (mqtt5.PubAckPacket(7), b"\x40\x02\x00\x07"),
    (mqtt5.PubAckPacket(7, reason_code=PubAckReasonCode.NO_MATCHING_SUBSCRIBERS), b"\x40\x02\x00\x07"),
    (mqtt5.PubAckPacket(7, reason_code=PubAckReasonCode.NOT_AUTHORIZED), None),
    (
        mqtt5.SubAckPacket(7, [SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE, SubAckReasonCode.NOT_AUTHORIZED]),
        b"\x90\x04\x00\x07\x01\x80",
    ),
    (mqtt5.UnsubAckPacket(7, [UnsubAckReasonCode.NO_SUBSCRIPTION_EXISTED]), b"\xb0\x02\x00\x07"),
    (mqtt5.PingRespPacket(), b"\xd0\x00"),
    (mqtt5.DisconnectPacket(reason_code=DisconnectReasonCode.SERVER_BUSY), None),
]


@pytest.mark.parametrize(("frame", "packet"), READ, ids=lambda value: value.hex() if isinstance(value, bytes) else "")
def test_each_packet_reads_as_its_mqtt_5_equivalent(frame, packet):
    assert repr(read_v311(frame)) == repr(packet)


@pytest.mark.parametrize("frame", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_packets_are_refused(frame):
    with pytest.raises(BadPacket):
        read_v311(frame)


@pytest.mark.parametrize(("packet", "frame"), WRITTEN)
def test_each_answer_is_written_as_far_as_the_version_can_say_it(packet, frame):
    assert write_v311(packet) == frame


class OldDevice(RawDevice):
    """A RawDevice that speaks 3.1.1."""

    async def greet(self, *, secret: str = "", keep_alive: int = 0) -> bytes:
        await self.dial()
        uid, key = self.uid.encode(), (secret or SECRETS[self.uid]).encode()
        body = CONNECT + b"\xc2" + keep_alive.to_bytes(2, "big")
        for text in (uid, uid, key):
            body += len(text).to_bytes(2, "big") + text
        self.say(bytes((0x10, len(body))) + body)
        return await self.hear_frame()

    def utter(self, packet_id: int, topic: bytes = UP, payload: bytes = b"{}", *, first: int = 0x32) -> None:
        body = topic + packet_id.to_bytes(2, "big") + payload
        self.say(bytes((first, len(body))) + body)


@pytest.fixture
async def device(street):
    device = OldDevice(street.port, "L-1", "")
    assert await device.greet() == b"\x20\x02\x00\x00"
    return device


async def test_a_wrong_secret_is_answered_with_return_code_4(street):
    device = OldDevice(street.port, "L-1", "")
    assert await device.greet(secret="wrong") == b"\x20\x02\x00\x04"
    assert await device.hear_frame() == b""


async def test_a_message_is_acknowledged_after_it_was_settled(street, device):
    device.utter(7)
    await until(lambda: len(street.inbox))
    assert await device.hears_nothing()
    street.inbox.take_now(1)[0].settle(Outcome.STORED)
    assert await device.hear_frame() == b"\x40\x02\x00\x07"
    assert street.gateway.connected["L-1"].version == "MQTT 3.1.1"


async def test_a_refused_message_closes_the_connection_and_is_never_acknowledged(street, device):
    device.utter(1)
    device.utter(2)
    await until(lambda: len(street.inbox) == 2)
    first, second = street.inbox.take_now(2)
    second.settle(Outcome.refused("quarantine is full"))
    assert await device.hears_nothing()
    first.settle(Outcome.STORED)
    assert await device.hear_frame() == b"\x40\x02\x00\x01"
    assert await device.hear_frame() == b""


@pytest.mark.parametrize(
    "data",
    [
        b"\x32\x0f\x00\x09sc/L-2/up\x00\x01{}",
        b"\x30\x0d\x00\x09sc/L-2/up{}",
        b"\x32\x0e\x00\x08sc/L-1/#\x00\x01{}",
        b"\x34\x0f" + UP + b"\x00\x01{}",
        b"\x32\x0f" + UP + b"\x00\x00{}",
        b"\x20\x02\x00\x00",
        b"\xf0\x00",
    ],
)
async def test_what_is_not_authorised_or_not_offered_closes_the_connection(street, device, data):
    device.say(data)
    assert await device.hear_frame() == b""
    assert len(street.inbox) == 0


async def test_a_message_repeated_while_in_flight_is_taken_once_and_answered_once(street, device):
    device.utter(7)
    device.utter(7, first=0x3A)
    await until(lambda: street.gateway.counters.received == 2)
    (message,) = street.inbox.take_now(10)
    message.settle(Outcome.STORED)
    assert await device.hear_frame() == b"\x40\x02\x00\x07"
    assert await device.hears_nothing()
    device.utter(7, first=0x3A)
    await until(lambda: len(street.inbox) == 1)


async def test_another_message_under_a_packet_id_in_flight_closes_the_connection(street, device):
    device.utter(7)
    device.utter(7)
    assert await device.hear_frame() == b""


async def test_the_retain_flag_is_ignored_because_nothing_could_be_said_about_it(street, device):
    device.utter(7, first=0x33)
    await until(lambda: len(street.inbox) == 1)


async def test_subscribing_elsewhere_fails_and_to_the_own_commands_works(street, device):
    device.say(b"\x82\x0c\x00\x07\x00\x01#\x01\x00\x03a/b\x01")
    assert await device.hear_frame() == b"\x90\x04\x00\x07\x80\x80"
    device.say(b"\x82\x0f\x00\x08\x00\x0asc/L-1/cmd\x01")
    assert await device.hear_frame() == b"\x90\x03\x00\x08\x01"
    street.gateway.send_command("L-1", b"go", message_expiry_s=5)
    assert await device.hear_frame() == b"\x32\x10\x00\x0asc/L-1/cmd\x00\x01go"
    device.say(b"\xa2\x0e\x00\x09\x00\x0asc/L-1/cmd")
    assert await device.hear_frame() == b"\xb0\x02\x00\x09"


async def test_without_a_receive_maximum_the_gateway_stops_reading_instead():
    async with open_street(receive_max=2) as street:
        device = OldDevice(street.port, "L-1", "")
        await device.greet(keep_alive=1)
        for packet_id in range(1, 6):
            device.utter(packet_id)
        await until(lambda: len(street.inbox) == 2)
        await asyncio.sleep(2)
        assert street.gateway.counters.received == 2
        street.run_pipeline()
        for packet_id in range(1, 6):
            assert await device.hear_frame() == b"\x40\x02" + packet_id.to_bytes(2, "big")


async def test_takeover_closes_the_old_connection(street, device):
    await OldDevice(street.port, "L-1", "").greet()
    assert await device.hear_frame() == b""
