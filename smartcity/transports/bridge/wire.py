# SPDX-License-Identifier: Apache-2.0
"""Both protocol versions from the client's side: what a broker sends, read; what a client sends, written.

MQTT 3.1.1 is put in terms of MQTT 5, as in transports/mqtt/v311.py, which does so for the server's side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mqtt5

from smartcity.transports.mqtt import v311
from smartcity.transports.mqtt.codec import Incoming, read_packet
from smartcity.transports.mqtt.framing import BadPacket, header_length

CONNACK, SUBACK, PINGRESP = 2, 9, 13
Code = mqtt5.ConnAckReasonCode
REFUSALS = {
    1: Code.UNSUPPORTED_PROTOCOL_VERSION,
    2: Code.CLIENT_ID_NOT_VALID,
    3: Code.SERVER_UNAVAILABLE,
    4: Code.BAD_USER_NAME_OR_PASSWORD,
    5: Code.NOT_AUTHORIZED,
}


@dataclass(frozen=True, slots=True)
class ClientWire:
    name: str
    is_v5: bool
    read: Callable[[bytes], Incoming]
    write: Callable[[Incoming], bytes]


def _write_v5(packet: Incoming) -> bytes:
    return packet.write()


def read_v311(frame: bytes) -> Incoming:
    """One whole MQTT 3.1.1 packet of a broker, or BadPacket."""
    kind, body = frame[0] >> 4, frame[header_length(frame) :]
    if kind == CONNACK:
        return _connack(body)
    if kind == SUBACK:
        return _suback(body)
    if kind == PINGRESP:
        return mqtt5.PingRespPacket()
    return v311.read_v311(frame)


def write_v311(packet: Incoming) -> bytes:
    """One packet of a client in MQTT 3.1.1; what only MQTT 5 has is left out."""
    if isinstance(packet, mqtt5.ConnectPacket):
        return _connect(packet)
    if isinstance(packet, mqtt5.SubscribePacket):
        filters = b"".join(_text(one.pattern) + bytes((one.max_qos.value,)) for one in packet.topic_filters)
        return _packet(0x82, packet.packet_id.to_bytes(2, "big") + filters)
    if isinstance(packet, mqtt5.PingReqPacket):
        return _packet(0xC0, b"")
    if isinstance(packet, mqtt5.DisconnectPacket):
        return _packet(0xE0, b"")
    written = v311.write_v311(packet)
    assert written is not None
    return written


def _connack(body: bytes) -> mqtt5.ConnAckPacket:
    if len(body) != 2 or body[0] > 1:
        raise BadPacket("malformed packet")
    if body[1]:
        return mqtt5.ConnAckPacket(reason_code=REFUSALS.get(body[1], Code.UNSPECIFIED_ERROR))
    return mqtt5.ConnAckPacket(session_present=bool(body[0]))


def _suback(body: bytes) -> mqtt5.SubAckPacket:
    if len(body) < 3 or not set(body[2:]) <= {0, 1, 2, 0x80}:
        raise BadPacket("malformed packet")
    codes = [mqtt5.SubAckReasonCode(code) for code in body[2:]]
    return mqtt5.SubAckPacket(int.from_bytes(body[:2], "big"), codes)


def _connect(packet: mqtt5.ConnectPacket) -> bytes:
    """MQTT 3.1.1, 3.1. A session that outlives the connection is asked for by clean session = 0."""
    has_name, has_password = packet.username is not None, packet.password is not None
    flags = has_name << 7 | has_password << 6 | packet.clean_start << 1
    body = _text("MQTT") + bytes((v311.LEVEL, flags)) + packet.keep_alive.to_bytes(2, "big") + _text(packet.client_id)
    body += _text(packet.username) if packet.username is not None else b""
    body += _counted(packet.password) if packet.password is not None else b""
    return _packet(0x10, body)


def _text(text: str) -> bytes:
    return _counted(text.encode())


def _counted(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + v311.remaining_length(len(body)) + body


WIRES = {
    "5": ClientWire("MQTT 5", True, read_packet, _write_v5),
    "3.1.1": ClientWire("MQTT 3.1.1", False, read_v311, write_v311),
}
