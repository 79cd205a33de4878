# SPDX-License-Identifier: Apache-2.0
"""A broker that says what it likes: the session ends with a reason, or goes on."""

from __future__ import annotations

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.transports.bridge.login import Login
from smartcity.transports.bridge.mapping import Broker
from smartcity.transports.bridge.session import Arrived, Ended, Opened, Session, Subscribed
from smartcity.transports.messages import QUARANTINE_FULL, Outcome

LOGIN = Login("127.0.0.1", 1883, "city", "u", b"p", None)


def written(session):
    output, packets = session.take_output(), []
    while output:
        packet, used = mqtt5.read(memoryview(output))
        packets.append(packet)
        output = output[used:]
    return packets


def opened(**connack):
    session = Session(Broker(address="x:1"), LOGIN, lambda: None)
    session.connect()
    session.take_output()
    session.feed(mqtt5.ConnAckPacket(**connack).write())
    return session, session.next_event()


def events(session, *packets):
    session.feed(b"".join(packet.write() for packet in packets))
    found = []
    while (event := session.next_event()) is not None:
        found.append(event)
    return found


def publish(number, **more):
    return mqtt5.PublishPacket("a/L-1", b"x", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number, **more)


def test_it_asks_for_the_session_it_had():
    session = Session(Broker(address="x:1", receive_max=7, session_expiry_s=9), LOGIN, lambda: None)
    session.connect()
    (asked,) = written(session)
    assert (asked.client_id, asked.clean_start, asked.receive_max, asked.session_expiry_interval) == (
        "city", False, 7, 9,
    )  # fmt: skip


def test_the_broker_lets_us_in_or_says_why_not():
    assert opened(session_present=True, receive_max=20, server_keep_alive=9)[1] == Opened(True, 20, 9)
    _, event = opened(reason_code=mqtt5.ConnAckReasonCode.BANNED)
    assert event == Ended("the broker refused us: banned")


def test_filters_that_are_refused_or_granted_without_acknowledgement_are_named():
    session, _ = opened()
    session.subscribe(["a/+", "b/+", "c/+"])
    codes = [mqtt5.SubAckReasonCode(code) for code in (1, 0x87, 0)]
    (event,) = events(session, mqtt5.SubAckPacket(0xFFFF, codes))
    assert event == Subscribed([("b/+", "not authorized")], ["c/+"])


def test_only_what_is_stored_is_acknowledged_and_in_the_order_it_came():
    session, _ = opened()
    session.take_output()
    first, second, third = events(session, publish(1), publish(2), publish(3))
    third.settle(Outcome.STORED)
    assert written(session) == []
    second.settle(QUARANTINE_FULL)
    first.settle(Outcome.quarantined("bad payload"))
    assert [packet.packet_id for packet in written(session)] == [1, 3]
    assert session.passed_over == 1


def test_a_message_said_twice_while_we_are_at_it_is_taken_once():
    session, _ = opened()
    (event,) = events(session, publish(1), publish(1, duplicate=True))
    assert isinstance(event, Arrived)


def test_what_is_settled_after_the_end_is_not_acknowledged():
    session, _ = opened()
    session.take_output()
    (event,) = events(session, publish(1))
    session.lost()
    event.settle(Outcome.STORED)
    assert written(session) == []


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (mqtt5.PublishPacket("a", b"", qos=mqtt5.QoS.EXACTLY_ONCE, packet_id=1), "more than we asked for"),
        (mqtt5.PublishPacket("a", b"", topic_alias=1), "more than we asked for"),
        (mqtt5.ConnectPacket("x"), "out of place"),
        (mqtt5.ConnAckPacket(), "out of place"),
        (mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SERVER_SHUTTING_DOWN), "server shutting down"),
    ],
)
def test_a_broker_that_leaves_or_breaks_the_rules_ends_it(packet, reason):
    session, _ = opened()
    (event,) = events(session, packet)
    assert reason in event.reason and session.is_closed


def test_another_client_in_our_place_is_told_apart():
    session, _ = opened()
    taken_over = mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER)
    assert events(session, taken_over)[0].is_taken_over


def test_leaving_keeps_the_session_at_the_broker():
    session, _ = opened()
    session.take_output()
    session.leave()
    (goodbye,) = written(session)
    assert goodbye.reason_code is mqtt5.DisconnectReasonCode.NORMAL_DISCONNECTION
    assert goodbye.session_expiry_interval is None  # what CONNECT asked for stands


@given(st.binary(max_size=80), st.booleans())
def test_whatever_bytes_come_it_ends_in_words_or_goes_on(data, is_open):
    session = opened()[0] if is_open else Session(Broker(address="x:1"), LOGIN, lambda: None)
    session.feed(data)
    for _ in range(100):
        event = session.next_event()
        if event is None:
            break
        if isinstance(event, Ended):
            assert event.reason and session.is_closed
