# SPDX-License-Identifier: Apache-2.0
"""Both versions from the client's side: MQTT 3.1.1 says in its own bytes what MQTT 5 says."""

from __future__ import annotations

from typing import Any

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.transports.bridge.wire import WIRES, read_v311, write_v311
from smartcity.transports.mqtt import v311
from smartcity.transports.mqtt.framing import BadPacket


def heard(frame) -> Any:
    return read_v311(frame)


FILTERS = [mqtt5.TopicFilter("a/+", max_qos=mqtt5.QoS.AT_LEAST_ONCE), mqtt5.TopicFilter("b", max_qos=mqtt5.QoS(0))]


def test_connect_asks_for_the_session_by_clean_session_0():
    packet = mqtt5.ConnectPacket("city", username="u", password=b"p", clean_start=False, keep_alive=30)
    assert write_v311(packet) == b"\x10\x16\x00\x04MQTT\x04\xc0\x00\x1e\x00\x04city\x00\x01u\x00\x01p"
    assert write_v311(mqtt5.ConnectPacket("c", clean_start=False)) == b"\x10\x0d\x00\x04MQTT\x04\x00\x00\x00\x00\x01c"


@pytest.mark.parametrize(
    "packet",
    [
        mqtt5.ConnectPacket("city", username="", password=b"", clean_start=False, keep_alive=30),
        mqtt5.SubscribePacket(7, FILTERS),
        mqtt5.PublishPacket("a/b", b"x" * 300, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=9, message_expiry_interval=5),
        mqtt5.PublishPacket("a/b", b"x"),
        mqtt5.PubAckPacket(9),
        mqtt5.PingReqPacket(),
        mqtt5.DisconnectPacket(),
    ],
    ids=lambda packet: type(packet).__name__,
)
def test_what_a_client_writes_is_what_a_server_reads(packet):
    """The server's side is tested against clients other people wrote."""
    read: Any = v311.read_v311(write_v311(packet))
    assert type(read) is type(packet)
    for name in ("client_id", "username", "password", "keep_alive", "packet_id", "topic", "payload", "qos"):
        assert getattr(read, name, None) == getattr(packet, name, None)


@pytest.mark.parametrize(
    ("frame", "code", "is_resumed"),
    [
        (b"\x20\x02\x00\x00", 0, False),
        (b"\x20\x02\x01\x00", 0, True),
        (b"\x20\x02\x00\x04", 0x86, False),
        (b"\x20\x02\x00\x05", 0x87, False),
        (b"\x20\x02\x00\x09", 0x80, False),
    ],
)
def test_connack(frame, code, is_resumed):
    read = heard(frame)
    assert (read.reason_code.value, read.session_present) == (code, is_resumed)


def test_suback_publish_puback_and_pingresp():
    assert [code.value for code in heard(b"\x90\x05\x00\x07\x01\x00\x80").reason_codes] == [1, 0, 0x80]
    publish = heard(b"\x3a\x08\x00\x03a/b\x00\x09x")
    assert (publish.topic, publish.packet_id, publish.payload, publish.duplicate) == ("a/b", 9, b"x", True)
    assert heard(b"\x40\x02\x00\x09").packet_id == 9
    assert isinstance(heard(b"\xd0\x00"), mqtt5.PingRespPacket)


@pytest.mark.parametrize("frame", [b"\x20\x03\x00\x00\x00", b"\x20\x02\x02\x00", b"\x90\x02\x00\x07", b"\xf0\x00"])
def test_what_is_no_packet_of_a_broker_is_refused(frame):
    with pytest.raises(BadPacket):
        read_v311(frame)


@pytest.mark.parametrize("version", WIRES)
@given(st.integers(1, 15), st.binary(max_size=40))
def test_whatever_a_broker_sends_is_read_or_refused(version, kind, body):
    try:
        WIRES[version].read(bytes((kind << 4, len(body))) + body)
    except BadPacket as problem:
        assert problem.reason
