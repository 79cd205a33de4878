# SPDX-License-Identifier: Apache-2.0
"""Checks that the texts in a packet are UTF-8 before the codec sees them.

mqtt5 0.8.0 panics on text that is not, and each panic writes a dozen lines to stderr. codec.read_packet survives that,
but nobody should be able to fill the log: no stranger with a CONNECT, and no device that has gone mad.
"""

from __future__ import annotations

from smartcity.transports.mqtt.framing import BadPacket, header_length

CONNECT, PUBLISH, PUBACK, PUBCOMP, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT, AUTH = 1, 3, 4, 7, 8, 10, 14, 15

# OASIS MQTT 5.0, table 2-4: what follows the identifier of a property.
PROPERTY_BYTES = {
    0x01: 1, 0x02: 4, 0x11: 4, 0x13: 2, 0x17: 1, 0x18: 4, 0x19: 1, 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1, 0x25: 1, 0x27: 4,
    0x28: 1, 0x29: 1, 0x2A: 1,
}  # fmt: skip
PROPERTY_TEXTS = {0x03: 1, 0x08: 1, 0x12: 1, 0x15: 1, 0x1A: 1, 0x1C: 1, 0x1F: 1, 0x26: 2}
PROPERTY_BINARIES = (0x09, 0x16)
PROPERTY_VARIABLE = 0x0B
FLAGS_AT, PROPERTIES_AT = 7, 10
WILL, USERNAME, QOS = 0x04, 0x80, 0x06


def check_text(frame: bytes) -> None:
    """Walk a whole MQTT 5 packet as a client sends it; raises BadPacket when a text is not UTF-8 or runs over the end.

    A PUBLISH without properties costs one decoding of its topic. What no client may send is left to the codec.
    """
    kind, at = frame[0] >> 4, header_length(frame)
    try:
        if kind == PUBLISH:
            _properties(frame, _text(frame, at) + 2 * bool(frame[0] & QOS))
        elif kind == CONNECT:
            _connect(frame, at)
        elif kind in (SUBSCRIBE, UNSUBSCRIBE):
            _topics(frame, at, options=kind == SUBSCRIBE)
        elif PUBACK <= kind <= PUBCOMP and len(frame) > at + 3:
            _properties(frame, at + 3)
        elif kind in (DISCONNECT, AUTH) and len(frame) > at + 1:
            _properties(frame, at + 1)
    except (IndexError, UnicodeDecodeError):
        raise BadPacket("malformed packet") from None


def _connect(frame: bytes, at: int) -> None:
    """MQTT 5, 3.1.2.11 and 3.1.3."""
    flags = frame[at + FLAGS_AT]
    at = _text(frame, _properties(frame, at + PROPERTIES_AT))
    if flags & WILL:
        at = _binary(frame, _text(frame, _properties(frame, at)))
    if flags & USERNAME:
        _text(frame, at)


def _topics(frame: bytes, at: int, *, options: bool) -> None:
    """MQTT 5, 3.8.3 and 3.10.3: each filter of a SUBSCRIBE is followed by a byte of options."""
    at = _properties(frame, at + 2)
    while at < len(frame):
        at = _text(frame, at) + options


def _properties(frame: bytes, at: int) -> int:
    """The index behind a property block."""
    length, at = _variable(frame, at)
    end = at + length
    while at < end:
        at = _property(frame, at)
    if at != end:
        raise IndexError(at)
    return end


def _variable(frame: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer (MQTT 5, 1.5.5), and the index behind it."""
    value = 0
    for shift in (0, 7, 14, 21):
        byte = frame[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise IndexError(at)


def _property(frame: bytes, at: int) -> int:
    kind, at = frame[at], at + 1
    if kind in PROPERTY_BYTES:
        return at + PROPERTY_BYTES[kind]
    if kind in PROPERTY_BINARIES:
        return _binary(frame, at)
    if kind == PROPERTY_VARIABLE:
        return _variable(frame, at)[1]
    if kind not in PROPERTY_TEXTS:
        raise IndexError(at)
    for _ in range(PROPERTY_TEXTS[kind]):
        at = _text(frame, at)
    return at


def _text(frame: bytes, at: int) -> int:
    end = _binary(frame, at)
    frame[at + 2 : end].decode()
    return end


def _binary(frame: bytes, at: int) -> int:
    end = at + 2 + (frame[at] << 8 | frame[at + 1])
    if end > len(frame):
        raise IndexError(end)
    return end
