# SPDX-License-Identifier: Apache-2.0
"""Checks that the texts in a CONNECT are UTF-8 before the codec sees them.

mqtt5 0.8.0 panics on text that is not, and each panic writes a dozen lines to stderr. framing.read_packet survives
that, but nobody should be able to fill the log without having shown a secret first.
"""

from __future__ import annotations

from smartcity.transports.mqtt.framing import BadPacket, header_length

PROPERTY_BYTES = {0x01: 1, 0x02: 4, 0x11: 4, 0x17: 1, 0x18: 4, 0x19: 1, 0x21: 2, 0x22: 2, 0x27: 4}
PROPERTY_TEXTS = {0x03: 1, 0x08: 1, 0x15: 1, 0x26: 2}
PROPERTY_BINARIES = (0x09, 0x16)
FLAGS_AT, PROPERTIES_AT = 7, 10
WILL, USERNAME = 0x04, 0x80


def check_connect_text(frame: bytes) -> None:
    """Walk a whole MQTT 5 CONNECT (3.1.2.11, 3.1.3); raises BadPacket when a text is not UTF-8 or runs over the end."""
    body = frame[header_length(frame) :]
    try:
        flags = body[FLAGS_AT]
        at = _text(body, _properties(body, PROPERTIES_AT))
        if flags & WILL:
            at = _binary(body, _text(body, _properties(body, at)))
        if flags & USERNAME:
            _text(body, at)
    except (IndexError, UnicodeDecodeError):
        raise BadPacket("malformed packet") from None


def _properties(body: bytes, at: int) -> int:
    """The index behind a property block; its length is a variable byte integer."""
    length = shift = 0
    while True:
        byte = body[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift > 21:
            raise IndexError(at)
    end = at + length
    while at < end:
        at = _property(body, at)
    if at != end:
        raise IndexError(at)
    return end


def _property(body: bytes, at: int) -> int:
    kind, at = body[at], at + 1
    if kind in PROPERTY_BYTES:
        return at + PROPERTY_BYTES[kind]
    if kind in PROPERTY_BINARIES:
        return _binary(body, at)
    if kind not in PROPERTY_TEXTS:
        raise IndexError(at)
    for _ in range(PROPERTY_TEXTS[kind]):
        at = _text(body, at)
    return at


def _text(body: bytes, at: int) -> int:
    end = _binary(body, at)
    body[at + 2 : end].decode()
    return end


def _binary(body: bytes, at: int) -> int:
    end = at + 2 + (body[at] << 8 | body[at + 1])
    if end > len(body):
        raise IndexError(end)
    return end
