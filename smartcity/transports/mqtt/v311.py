# SPDX-License-Identifier: Apache-2.0
"""MQTT 3.1.1 in terms of MQTT 5: packets are re-written byte for byte, so one session speaks both.

What 3.1.1 has and MQTT 5 shares is the layout; what it lacks is the property block. Coming in, an empty block is put
where MQTT 5 wants one. Going out, the few packets a server sends are written by the table at the end; reason codes
become what 3.1.1 can say, and where it can say nothing the answer is None: the connection is closed instead.
"""

from __future__ import annotations

from collections.abc import Callable

import mqtt5

from smartcity.transports.mqtt.codec import Incoming, read_packet
from smartcity.transports.mqtt.framing import BadPacket, header_length

LEVEL = 4
CONNECTION_REFUSED = {
    mqtt5.ConnAckReasonCode.SUCCESS.value: 0,
    mqtt5.ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION.value: 1,
    mqtt5.ConnAckReasonCode.CLIENT_ID_NOT_VALID.value: 2,
    mqtt5.ConnAckReasonCode.SERVER_UNAVAILABLE.value: 3,
    mqtt5.ConnAckReasonCode.SERVER_BUSY.value: 3,
    mqtt5.ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD.value: 4,
}
NOT_AUTHORISED = 5
SUBSCRIPTION_FAILED = 0x80


def read_v311(frame: bytes) -> Incoming:
    """Decode one whole MQTT 3.1.1 packet into its MQTT 5 equivalent, or raise BadPacket."""
    kind = frame[0] >> 4
    body = frame[header_length(frame) :]
    try:
        body = _INCOMING[kind](frame[0], body)
    except KeyError:
        raise BadPacket("malformed packet") from None
    except IndexError:
        raise BadPacket("malformed packet") from None
    return read_packet(bytes((frame[0],)) + remaining_length(len(body)) + body)


def write_v311(packet: Incoming) -> bytes | None:
    """Encode a packet a server sends; None when 3.1.1 has no way to say it."""
    writer = _OUTGOING.get(type(packet))
    return None if writer is None else writer(packet)


def _connect(first: int, body: bytes) -> bytes:
    flags = body[7]
    if body[:7] != b"\x00\x04MQTT\x04":
        raise BadPacket("malformed packet")
    if flags & 0x40 and not flags & 0x80:
        raise BadPacket("malformed packet")
    client_id_end = _string_end(body, 10)
    will_properties = b"\x00" if flags & 0x04 else b""
    head = body[:6] + b"\x05" + body[7:10] + b"\x00"
    return head + body[10:client_id_end] + will_properties + body[client_id_end:]


def _publish(first: int, body: bytes) -> bytes:
    at = _string_end(body, 0) + (2 if first & 0x06 else 0)
    if at > len(body):
        raise BadPacket("malformed packet")
    if at == 2:
        raise BadPacket("malformed packet")
    return body[:at] + b"\x00" + body[at:]


def _with_properties_after_packet_id(first: int, body: bytes) -> bytes:
    if len(body) < 2:
        raise BadPacket("malformed packet")
    return body[:2] + b"\x00" + body[2:]


def _subscribe(first: int, body: bytes) -> bytes:
    at = 2
    while at < len(body):
        at = _string_end(body, at)
        if body[at] > 2:
            raise BadPacket("malformed packet")
        at += 1
    return _with_properties_after_packet_id(first, body)


def _packet_id_alone(first: int, body: bytes) -> bytes:
    if len(body) != 2:
        raise BadPacket("malformed packet")
    return body


def _nothing(first: int, body: bytes) -> bytes:
    if body:
        raise BadPacket("malformed packet")
    return body


_INCOMING: dict[int, Callable[[int, bytes], bytes]] = {
    1: _connect,
    3: _publish,
    4: _packet_id_alone,
    5: _packet_id_alone,
    6: _packet_id_alone,
    7: _packet_id_alone,
    8: _subscribe,
    10: _with_properties_after_packet_id,
    12: _nothing,
    14: _nothing,
}


def _write_connack(packet: mqtt5.ConnAckPacket) -> bytes:
    code = CONNECTION_REFUSED.get(packet.reason_code.value, NOT_AUTHORISED)
    return bytes((0x20, 2, packet.session_present and code == 0, code))


def _write_publish(packet: mqtt5.PublishPacket) -> bytes:
    topic = packet.topic.encode()
    packet_id = b"" if packet.packet_id is None else packet.packet_id.to_bytes(2, "big")
    body = len(topic).to_bytes(2, "big") + topic + packet_id + packet.payload
    first = 0x30 | packet.duplicate << 3 | packet.qos.value << 1 | packet.retain
    return bytes((first,)) + remaining_length(len(body)) + body


def _write_puback(packet: mqtt5.PubAckPacket) -> bytes | None:
    return None if packet.reason_code.value >= 0x80 else b"\x40\x02" + packet.packet_id.to_bytes(2, "big")


def _write_suback(packet: mqtt5.SubAckPacket) -> bytes:
    codes = bytes(min(code.value, SUBSCRIPTION_FAILED) for code in packet.reason_codes)
    return b"\x90" + remaining_length(2 + len(codes)) + packet.packet_id.to_bytes(2, "big") + codes


def _write_unsuback(packet: mqtt5.UnsubAckPacket) -> bytes:
    return b"\xb0\x02" + packet.packet_id.to_bytes(2, "big")


def _write_pingresp(packet: mqtt5.PingRespPacket) -> bytes:
    return b"\xd0\x00"


_OUTGOING: dict[type, Callable[..., bytes | None]] = {
    mqtt5.ConnAckPacket: _write_connack,
    mqtt5.PublishPacket: _write_publish,
    mqtt5.PubAckPacket: _write_puback,
    mqtt5.SubAckPacket: _write_suback,
    mqtt5.UnsubAckPacket: _write_unsuback,
    mqtt5.PingRespPacket: _write_pingresp,
}


def _string_end(body: bytes, at: int) -> int:
    """Index after the length-prefixed string at `at`; raises IndexError when it runs over the end."""
    end = at + 2 + (body[at] << 8 | body[at + 1])
    if end > len(body):
        raise IndexError(end)
    return end


def remaining_length(value: int) -> bytes:
    """The variable byte integer of a fixed header (MQTT 3.1.1, 2.2.3)."""
    encoded = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        encoded.append(byte | 0x80 if value else byte)
        if not value:
            return bytes(encoded)
