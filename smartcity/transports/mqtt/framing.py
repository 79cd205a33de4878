# SPDX-License-Identifier: Apache-2.0
"""Cut a byte stream into MQTT packets by their fixed headers, size limit first."""

from __future__ import annotations

from mqtt5 import DisconnectReasonCode as Code

MAX_HEADER = 5
CONNECT = 0x10
RESERVED_FLAG = 0x01


class BadPacket(Exception):
    """The peer broke MQTT. `code` is the MQTT 5 reason code that says how."""

    def __init__(self, reason: str, code: Code = Code.MALFORMED_PACKET) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class FrameReader:
    """Collects bytes, gives whole packets. Holds at most one packet of `limit` bytes plus what one read brought."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._buffer = bytearray()
        self._start = 0

    def __len__(self) -> int:
        return len(self._buffer) - self._start

    @property
    def starts_connect(self) -> bool:
        """What has come so far may become a CONNECT; decided at the first byte, not after waiting for a packet."""
        return len(self) == 0 or self._buffer[self._start] == CONNECT

    def feed(self, data: bytes) -> None:
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += data

    def next_frame(self) -> bytes | None:
        """The next whole packet with its fixed header, or None until more bytes come.

        Raises BadPacket as soon as the header alone shows that the packet is malformed or over the limit.
        """
        length = frame_length(self._buffer, self._start)
        if length is None:
            return None
        if length > self.limit:
            raise BadPacket("packet too large", Code.PACKET_TOO_LARGE)
        end = self._start + length
        if end > len(self._buffer):
            return None
        frame = bytes(self._buffer[self._start : end])
        self._start = end
        return frame


def frame_length(buffer: bytes | bytearray, start: int = 0) -> int | None:
    """Bytes of the packet at `start`, fixed header included; None while the header is incomplete (MQTT 5, 1.5.5)."""
    length = 0
    available = len(buffer) - start
    for index in range(1, MAX_HEADER):
        if index >= available:
            return None
        byte = buffer[start + index]
        length |= (byte & 0x7F) << (7 * (index - 1))
        if byte < 0x80:
            if index > 1 and byte == 0:
                raise BadPacket("malformed length")
            return 1 + index + length
    raise BadPacket("malformed length")


def protocol_level(frame: bytes) -> int:
    """The protocol level of a CONNECT packet; raises BadPacket when it is none of MQTT (MQTT 5, 3.1.2)."""
    body = frame[header_length(frame) :]
    if body[:6] == b"\x00\x04MQTT" and len(body) > 7:
        if body[7] & RESERVED_FLAG:
            raise BadPacket("malformed packet")
        return body[6]
    if body[:8] == b"\x00\x06MQIsdp" and len(body) > 8:
        return body[8]
    raise BadPacket("not MQTT", Code.PROTOCOL_ERROR)


def header_length(frame: bytes) -> int:
    """Bytes of the fixed header of a whole packet."""
    index = 1
    while frame[index] >= 0x80:
        index += 1
    return index + 1
