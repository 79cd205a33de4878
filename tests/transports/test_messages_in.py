# SPDX-License-Identifier: Apache-2.0
"""Messages of devices: which are taken, when they are acknowledged, and how the others are refused (MQTT 5)."""

from __future__ import annotations

import asyncio

import mqtt5
import pytest
from mqtt5 import DisconnectReasonCode as Goodbye
from mqtt5 import PubAckReasonCode as PubAck
from mqtt5 import QoS
from mqtt5 import SubAckReasonCode as SubAck

from smartcity.transports.messages import PAYLOAD_INVALID, Outcome
from tests.transports.street import CITY_MS, RawDevice, open_street, until


@pytest.fixture
async def device(street):
    device = street.device()
    await device.arrive()
    return device


@pytest.mark.parametrize("kind", ["up", "ack", "hello"])
async def test_a_message_arrives_with_its_kind_payload_and_city_time(street, device, kind):
    device.publish(1, f"sc/L-1/{kind}", b"anything")
    await until(lambda: len(street.inbox))
    (message,) = street.inbox.take_now(10)
    assert (message.device, message.kind, message.payload) == ("L-1", kind, b"anything")
    assert (message.received_at_ms, message.transport) == (CITY_MS, "mqtt")


async def test_a_message_is_acknowledged_only_after_it_was_settled(street, device):
    device.publish(7)
    await until(lambda: len(street.inbox))
    assert await device.hears_nothing()
    street.inbox.take_now(1)[0].settle(Outcome.STORED)
    answer = await device.hear()
    assert (answer.packet_id, answer.reason_code) == (7, PubAck.SUCCESS)


async def test_acknowledgements_leave_in_the_order_of_the_messages(street, device):
    for packet_id in (3, 1, 2):
        device.publish(packet_id)
    await until(lambda: len(street.inbox) == 3)
    first, second, third = street.inbox.take_now(3)
    third.settle(Outcome.STORED)
    second.settle(Outcome.refused("not for us", PAYLOAD_INVALID))
    assert await device.hears_nothing()
    first.settle(Outcome.STORED)
    answers = [await device.hear() for _ in range(3)]
    assert [answer.packet_id for answer in answers] == [3, 1, 2]
    assert answers[1].reason_code is PubAck.PAYLOAD_FORMAT_INVALID
    assert answers[1].reason_str == "not for us"


async def test_a_refusal_of_the_gateway_waits_for_its_turn_too(street, device):
    device.publish(1)
    device.publish(2, "sc/L-2/up")
    await until(lambda: len(street.inbox))
    assert await device.hears_nothing()
    street.inbox.take_now(1)[0].settle(Outcome.STORED)
    answers = [await device.hear() for _ in range(2)]
    assert [answer.reason_code for answer in answers] == [PubAck.SUCCESS, PubAck.NOT_AUTHORIZED]


@pytest.mark.parametrize("topic", ["sc/L-2/up", "sc/L-1/cmd", "sc/L-1/other", "sc/L-1", "$SYS/x", "sc/L-1/up/x"])
async def test_a_topic_that_is_not_the_devices_own_is_not_authorised(street, device, topic):
    device.publish(1, topic)
    assert (await device.hear()).reason_code is PubAck.NOT_AUTHORIZED
    device.publish(None, topic, qos=QoS.AT_MOST_ONCE)
    assert (await device.hear()).reason_code is Goodbye.NOT_AUTHORIZED
    assert len(street.inbox) == 0
    assert street.gateway.counters.refused["topic not authorised"] == 2


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (mqtt5.PublishPacket("sc/L-1/up", b"", qos=QoS.EXACTLY_ONCE, packet_id=1), Goodbye.QOS_NOT_SUPPORTED),
        (mqtt5.PublishPacket("sc/L-1/up", b"", retain=True), Goodbye.RETAIN_NOT_SUPPORTED),
        (mqtt5.PublishPacket("sc/L-1/up", b"", topic_alias=1), Goodbye.TOPIC_ALIAS_INVALID),
        (mqtt5.PublishPacket("", b"", topic_alias=1), Goodbye.TOPIC_ALIAS_INVALID),
        (mqtt5.PubRelPacket(1), Goodbye.PROTOCOL_ERROR),
        (mqtt5.ConnectPacket("again"), Goodbye.PROTOCOL_ERROR),
        (mqtt5.AuthPacket(), Goodbye.PROTOCOL_ERROR),
        (mqtt5.ConnAckPacket(), Goodbye.PROTOCOL_ERROR),
        (mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("x")], subscription_id=1), Goodbye.SUBSCRIPTION_IDS_NOT_SUPPORTED),
    ],
)
async def test_what_this_server_does_not_offer_ends_the_connection_with_its_reason(street, device, packet, code):
    device.send(packet)
    assert (await device.hear()).reason_code is code
    assert await device.hear() is None
    assert len(street.inbox) == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x32\x0e\x00\x09sc/L-1/up\x00\x00\x00", Goodbye.MALFORMED_PACKET),
        (b"\x82\x07\x00\x00\x00\x00\x01x\x00", Goodbye.MALFORMED_PACKET),
        (b"\x82\x03\x00\x01\x00", Goodbye.PROTOCOL_ERROR),
        (b"\xa2\x06\x00\x00\x00\x00\x01x", Goodbye.MALFORMED_PACKET),
        (b"\xa2\x03\x00\x01\x00", Goodbye.PROTOCOL_ERROR),
        (b"\x30\x06\x00\x03\xff\xfe\xfd\x00", Goodbye.MALFORMED_PACKET),
        (b"\x36\x06\x00\x01x\x00\x01\x00", Goodbye.MALFORMED_PACKET),
        (b"\x00\x00", Goodbye.MALFORMED_PACKET),
        (b"\xc1\x00", Goodbye.MALFORMED_PACKET),
        (b"\x30\x05\x00\x09sc/", Goodbye.MALFORMED_PACKET),
        (b"\x30\x80\x80\x80\x80\x01", Goodbye.MALFORMED_PACKET),
        (b"\x32\x0d\x00\x08sc/L-1/+\x00\x01\x00", Goodbye.TOPIC_NAME_INVALID),
        (b"\x30\x07\x00\x04sc/#\x00", Goodbye.TOPIC_NAME_INVALID),
        (b"\x30\x07\x00\x04sc/\x00\x00", Goodbye.TOPIC_NAME_INVALID),
        (b"\x30\x80\x00", Goodbye.MALFORMED_PACKET),
        (b"\x30\xff\xff\x7f", Goodbye.PACKET_TOO_LARGE),
    ],
)
async def test_malformed_packets_end_the_connection_with_their_reason(street, device, data, code):
    device.say(data)
    assert (await device.hear()).reason_code is code
    assert await device.hear() is None
    assert len(street.inbox) == 0


async def test_a_packet_may_be_as_large_as_the_limit_and_not_one_byte_more():
    async with open_street(max_packet=1_000) as street:
        street.run_pipeline()
        device = street.device()
        await device.arrive()
        fits = 1_000 - 3 - 2 - len("sc/L-1/up") - 2 - 1
        device.publish(1, payload=b"x" * fits)
        assert (await device.hear()).packet_id == 1
        device.publish(2, payload=b"x" * (fits + 1))
        assert (await device.hear()).reason_code is Goodbye.PACKET_TOO_LARGE


async def test_a_packet_id_in_flight_is_refused_and_may_be_used_again_afterwards(street, device):
    device.publish(5)
    device.publish(5)
    await until(lambda: street.gateway.counters.received == 2)
    assert len(street.inbox) == 1
    street.inbox.take_now(1)[0].settle(Outcome.STORED)
    answers = [await device.hear() for _ in range(2)]
    assert [answer.reason_code for answer in answers] == [PubAck.SUCCESS, PubAck.PACKET_ID_IN_USE]
    device.publish(5)
    await until(lambda: len(street.inbox) == 1)


async def test_more_unsettled_messages_than_agreed_end_the_connection():
    async with open_street(receive_max=2) as street:
        device = street.device()
        await device.arrive()
        for packet_id in (1, 2, 3):
            device.publish(packet_id)
        assert (await device.hear()).reason_code is Goodbye.RECEIVE_MAX_EXCEEDED
        assert len(street.inbox) == 2


async def test_qos_0_is_taken_and_never_answered(street, device):
    device.publish(None, qos=QoS.AT_MOST_ONCE)
    await until(lambda: len(street.inbox))
    street.inbox.take_now(1)[0].settle(Outcome.STORED)
    assert await device.hears_nothing()
    assert street.gateway.counters.stored == 1


async def test_settling_after_the_device_has_gone_is_harmless_and_counted(street, device):
    device.publish(1)
    await until(lambda: len(street.inbox))
    device.leave()
    await until(lambda: street.gone == ["L-1"])
    street.inbox.take_now(1)[0].settle(Outcome.STORED)
    counters = street.gateway.counters
    assert (counters.received, counters.stored, counters.in_flight) == (1, 1, 0)


async def test_settling_twice_is_a_mistake_of_ours(street, device):
    device.publish(1)
    await until(lambda: len(street.inbox))
    (message,) = street.inbox.take_now(1)
    message.settle(Outcome.STORED)
    with pytest.raises(RuntimeError, match="twice"):
        message.settle(Outcome.STORED)


async def test_silence_over_one_and_a_half_keep_alives_ends_the_connection_but_pings_keep_it(street):
    device = street.device(keep_alive=1)
    await device.arrive()
    for _ in range(2):
        await asyncio.sleep(0.9)
        device.send(mqtt5.PingReqPacket())
        assert isinstance(await device.hear(), mqtt5.PingRespPacket)
    started = asyncio.get_running_loop().time()
    assert (await device.hear(3)).reason_code is Goodbye.KEEP_ALIVE_TIMEOUT
    assert asyncio.get_running_loop().time() - started > 1.4
    await until(lambda: street.gone == ["L-1"])


async def drip(device: RawDevice, data: bytes) -> None:
    for byte in data:
        device.say(bytes((byte,)))
        await asyncio.sleep(0.15)


async def test_dripping_bytes_of_one_packet_are_no_sign_of_life():
    async with open_street() as street:
        device = street.device(keep_alive=1)
        await device.arrive()
        dripping = asyncio.ensure_future(drip(device, b"\x30\x7f\x00\x09sc/L-1/up" + b" " * 15))
        assert (await device.hear(4.5)).reason_code is Goodbye.KEEP_ALIVE_TIMEOUT
        assert not dripping.done()
        dripping.cancel()


async def test_a_keep_alive_of_none_or_ages_is_shortened(street):
    assert (await street.device(keep_alive=0).arrive()).server_keep_alive == street.gateway.limits.max_keep_alive_s
    assert (await street.device(keep_alive=9_999).arrive()).server_keep_alive == 3_600
    assert (await street.device(keep_alive=60).arrive()).server_keep_alive is None


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        ("sc/L-1/cmd", SubAck.GRANTED_QOS_AT_LEAST_ONCE),
        ("sc/L-2/cmd", SubAck.NOT_AUTHORIZED),
        ("sc/L-1/up", SubAck.NOT_AUTHORIZED),
        ("#", SubAck.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED),
        ("sc/+/cmd", SubAck.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED),
        ("$share/group/sc/L-1/cmd", SubAck.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED),
        ("", SubAck.TOPIC_FILTER_INVALID),
    ],
)
async def test_a_device_may_subscribe_to_its_own_commands_and_nothing_else(street, device, pattern, answer):
    device.send(mqtt5.SubscribePacket(9, [mqtt5.TopicFilter(pattern)]))
    suback = await device.hear()
    assert (suback.packet_id, suback.reason_codes) == (9, [answer])
    assert street.ready == (["L-1"] if answer.value < 0x80 else [])


async def test_a_will_is_heard_when_the_line_breaks_and_not_when_the_device_leaves(street):
    device = street.device(will=mqtt5.Will("sc/L-1/up", payload=b"gone"))
    await device.arrive()
    device.leave()
    await until(lambda: len(street.inbox))
    assert street.inbox.take_now(1)[0].payload == b"gone"
    device = street.device(will=mqtt5.Will("sc/L-1/up", payload=b"gone"))
    await device.arrive()
    device.send(mqtt5.DisconnectPacket())
    assert await device.hear() is None
    assert len(street.inbox) == 0


@pytest.mark.parametrize(
    "will",
    [mqtt5.Will("sc/L-2/up"), mqtt5.Will("sc/L-1/up", qos=QoS.EXACTLY_ONCE), mqtt5.Will("sc/L-1/up", retain=True)],
)
async def test_a_will_that_would_be_refused_as_a_message_keeps_the_device_out(street, will):
    assert (await street.device(will=will).arrive()).reason_code.value >= 0x80
    assert not street.gateway.connected


async def test_bytes_may_come_one_by_one_or_many_packets_at_once(busy_street):
    device = busy_street.device()
    await device.arrive()
    packets = b"".join(
        mqtt5.PublishPacket("sc/L-1/up", b"x", qos=QoS.AT_LEAST_ONCE, packet_id=n).write() for n in range(1, 101)
    )
    device.say(packets)
    assert [(await device.hear()).packet_id for _ in range(100)] == list(range(1, 101))
    for byte in packets[:60]:
        device.say(bytes((byte,)))
        await asyncio.sleep(0)
    assert (await device.hear()).packet_id == 1


async def test_thousands_of_packets_in_one_breath_do_not_keep_others_waiting(busy_street):
    greedy, other = busy_street.device("L-1"), busy_street.device("L-2")
    await greedy.arrive()
    await other.arrive()
    greedy.say(mqtt5.PingReqPacket().write() * 100_000)
    other.publish(1)
    assert (await other.hear(0.5)).packet_id == 1
    for _ in range(100_000):
        assert isinstance(await greedy.hear(5), mqtt5.PingRespPacket)
