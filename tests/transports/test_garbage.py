# SPDX-License-Identifier: Apache-2.0
"""Whatever is said to the gateway, it goes on, nothing wrong gets in, and every message is accounted for."""

from __future__ import annotations

import asyncio
import random

import mqtt5
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mqtt5 import QoS

from smartcity.transports.messages import Outcome, RawMessage
from smartcity.transports.mqtt.codec import read_packet
from smartcity.transports.mqtt.counters import Counters
from smartcity.transports.mqtt.events import ConnectRequested
from smartcity.transports.mqtt.framing import BadPacket, FrameReader
from smartcity.transports.mqtt.limits import Limits
from smartcity.transports.mqtt.packet_text import check_text
from smartcity.transports.mqtt.session import Session
from smartcity.transports.mqtt.v311 import read_v311
from tests.transports.street import SECRETS, open_street, until

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

SECRET = SECRETS["L-1"].encode()
CONNECT = mqtt5.ConnectPacket("x", username="L-1", password=SECRET, user_properties=[("k", "v")]).write()
OLD_CONNECT = b"\x10\x52\x00\x04MQTT\x04\xc2\x00\x00\x00\x01x\x00\x03L-1\x00\x40" + SECRET
SEEDS = [
    CONNECT,
    OLD_CONNECT,
    mqtt5.ConnectPacket("y", username="L-1", password=SECRET, will=mqtt5.Will("sc/L-1/up", payload=b"w")).write(),
    mqtt5.PublishPacket("sc/L-1/up", b"[]", qos=QoS.AT_LEAST_ONCE, packet_id=3, user_properties=[("a", "b")]).write(),
    mqtt5.PublishPacket("sc/L-1/ack", b"{}", content_type="t", response_topic="r").write(),
    mqtt5.PublishPacket("sc/L-2/up", b"[]", qos=QoS.AT_LEAST_ONCE, packet_id=4).write(),
    mqtt5.PublishPacket("sc/L-1/up", b"[]", qos=QoS.EXACTLY_ONCE, packet_id=5).write(),
    mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("sc/L-1/cmd"), mqtt5.TopicFilter("#")]).write(),
    mqtt5.UnsubscribePacket(1, ["sc/L-1/cmd"]).write(),
    mqtt5.PubAckPacket(1, reason_str="x").write(),
    mqtt5.PubRelPacket(1).write(),
    mqtt5.PingReqPacket().write(),
    mqtt5.AuthPacket(authentication_method="m").write(),
    mqtt5.DisconnectPacket(reason_str="x").write(),
    b"\x32\x0f\x00\x09sc/L-1/up\x00\x01[]",
    b"\x82\x0f\x00\x01\x00\x0asc/L-1/cmd\x01",
]


OLD_PACKETS = (OLD_CONNECT, *SEEDS[-2:])


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    packet = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 3))):
        if packet:
            packet[draw(st.integers(0, len(packet) - 1))] = draw(st.integers(0, 255))
    return bytes(packet[: draw(st.integers(0, len(packet)))] if draw(st.integers(0, 9)) == 0 else packet)


@given(frame=st.one_of(st.binary(min_size=2, max_size=60), mutated().filter(lambda packet: len(packet) > 1)))
@settings(max_examples=1_000, deadline=None)
def test_a_packet_is_read_or_it_is_a_bad_packet(frame):
    reader = FrameReader(1_000)
    reader.feed(frame)
    for read in (read_packet, read_v311):
        try:
            whole = reader.next_frame()
            if whole is not None:
                read(whole)
        except BadPacket:
            pass


@given(
    before=st.sampled_from([b"", CONNECT, OLD_CONNECT]),
    said=st.lists(st.one_of(mutated(), st.sampled_from(SEEDS), st.binary(max_size=20)), max_size=8),
    cut=st.integers(1, 200),
    verdicts=st.lists(st.booleans(), min_size=1, max_size=8),
)
@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_session_never_breaks_and_its_books_balance(before, said, cut, verdicts):
    counters = Counters()
    session = Session(Limits(receive_max=4), counters, 0.0, lambda: None)
    taken: list[RawMessage] = []
    stream = before + b"".join(said)
    for start in range(0, len(stream), cut):
        session.feed(stream[start : start + cut], now=1.0, city_ms=0)
        while (event := session.next_event()) is not None:
            if isinstance(event, ConnectRequested):
                session.accept("L-1", client_id="auto")
            elif isinstance(event, RawMessage):
                taken.append(event)
    assert all(message.device == "L-1" and message.kind in ("up", "ack", "hello") for message in taken)
    assert counters.in_flight == len(taken)
    for number, message in enumerate(taken):
        message.settle(Outcome.STORED if verdicts[number % len(verdicts)] else Outcome.refused("no"))
    assert counters.in_flight == 0
    session.take_output()


async def test_other_devices_keep_working_while_thousands_of_bad_packets_come_in():
    async with open_street() as street:
        street.run_pipeline()
        good = await street.client("L-2")
        draw = random.Random(7)
        for _ in range(300):
            device = street.device("L-1", client_id=f"c{draw.randrange(9)}")
            await device.dial()
            device.say(draw.choice((CONNECT, CONNECT, OLD_CONNECT, b"")))
            for _ in range(10):
                packet = bytearray(draw.choice(SEEDS[3:]))
                for _ in range(draw.randrange(3)):
                    packet[draw.randrange(len(packet))] = draw.randrange(256)
                device.say(bytes(packet))
            if draw.random() < 0.5:
                device.leave()
            else:
                device.writer.transport.abort() if draw.random() < 0.5 else None
            if draw.random() < 0.1:
                assert (await asyncio.wait_for(good.publish("up", b"good"), 2)).is_stored
        assert good.connects == 1
        street.gateway.disconnect("L-1", "end of test")
        await until(lambda: street.gateway.counters.in_flight == 0)
        assert all(message.device in SECRETS for message in street.stored)
        assert {message.payload for message in street.stored if message.device == "L-2"} == {b"good"}
        assert await asyncio.wait_for(good.publish("up", b"good"), 2)
        await good.close()


async def test_half_a_packet_and_gone_leaves_nothing_behind(busy_street):
    for cut in range(1, len(CONNECT)):
        device = await busy_street.device().dial()
        device.say(CONNECT[:cut])
        device.leave()
    await until(lambda: busy_street.gateway.connections == 0)
    assert not busy_street.gateway.connected


@given(mutated().filter(lambda packet: len(packet) > 1 and packet not in OLD_PACKETS))
@settings(max_examples=1_500, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_no_packet_makes_the_codec_panic(frame):
    """A panic writes to stderr, and neither a stranger nor a device gone mad may fill the log."""
    try:
        if frame[1] == len(frame) - 2:
            check_text(frame)
            mqtt5.read(memoryview(frame))
    except (BadPacket, ValueError, IndexError, OverflowError):
        pass


@pytest.mark.parametrize("packet", [seed for seed in SEEDS if seed not in OLD_PACKETS])
def test_a_good_packet_has_good_text(packet):
    check_text(packet)
    mqtt5.read(memoryview(packet))


@pytest.mark.parametrize(
    "packet",
    [
        b"\x30\x07\x00\x02\xff\xfe\x00[]",
        b"\x82\x0a\x00\x01\x00\x00\x04sc\xff/\x00",
        b"\xe0\x07\x00\x05\x1f\x00\x02\xc0\xaf",
    ],
)
def test_text_that_is_not_utf_8_is_refused_in_every_kind_of_packet(packet):
    assert packet[1] == len(packet) - 2
    with pytest.raises(BadPacket, match="malformed"):
        check_text(packet)
