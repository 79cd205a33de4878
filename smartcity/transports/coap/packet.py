# SPDX-License-Identifier: Apache-2.0
"""A datagram as strangers may send it, read with as little work as can be (RFC 7252, section 3).

Nobody has proved anything yet: of the options only the one that may prove it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CON, NON, ACK, RST = range(4)
EMPTY, POST = 0, 2
VERSION: Final = 1
LONGEST_TOKEN: Final = 8
MOST_OPTIONS: Final = 8
OSCORE: Final = 9
WHERE_TO: Final = frozenset({3, 7})  # Uri-Host and Uri-Port: critical, and of no interest where there is one host
EXTENDED: Final = {13: (1, 13), 14: (2, 269)}  # nibble: bytes that follow, what is added to them
END: Final = 0xFF


class Malformed(Exception):
    """This is no CoAP; the message is a reason to count by. Nobody is answered (RFC 7252, section 4.2)."""


@dataclass(frozen=True, slots=True)
class Packet:
    """`number` is the message id. `is_understood` unless a critical option is none of ours."""

    kind: int
    code: int
    number: int
    token: bytes = b""
    oscore: bytes | None = None
    payload: bytes = b""
    is_understood: bool = True

    @property
    def is_request(self) -> bool:
        return self.kind in (CON, NON) and 0 < self.code < 32


def head(datagram: bytes) -> Packet:
    """What stands before the options. Raises Malformed."""
    if len(datagram) < 4:
        raise Malformed("too short")
    if datagram[0] >> 6 != VERSION:
        raise Malformed("unknown version")
    token = datagram[0] & 0x0F
    if token > LONGEST_TOKEN or len(datagram) < 4 + token:
        raise Malformed("bad token")
    return Packet(
        datagram[0] >> 4 & 3, datagram[1], int.from_bytes(datagram[2:4], "big"), datagram[4 : 4 + token]
    )  # fmt: skip


def read(datagram: bytes) -> Packet:
    """Options are read of requests only. Raises Malformed."""
    found = head(datagram)
    if not found.is_request:
        return found
    at, option, oscore, is_understood = 4 + len(found.token), 0, None, True
    for _ in range(MOST_OPTIONS + 1):
        if at >= len(datagram) or datagram[at] == END:
            break
        delta, value, at = _option(datagram, at)
        option += delta
        if option == OSCORE:
            oscore, is_understood = value, is_understood and oscore is None
        elif option % 2 and option not in WHERE_TO:
            is_understood = False
    else:
        raise Malformed("too many options")
    payload = datagram[at + 1 :]
    if at < len(datagram) and not payload:
        raise Malformed("no payload after its marker")
    return Packet(found.kind, found.code, found.number, found.token, oscore, payload, is_understood)


def write(request: Packet, code: int, number: int, options: bytes = b"", payload: bytes = b"") -> bytes:
    """The answer to a request: on its acknowledgement, or of a `number` of ours where it asked for none."""
    kind, number = (ACK, request.number) if request.kind == CON else (NON, number)
    start = bytes((VERSION << 6 | kind << 4 | len(request.token), code)) + number.to_bytes(2, "big")
    return start + request.token + options + (bytes((END,)) + payload if payload else b"")


def reset(ping: Packet) -> bytes:
    """The answer to an empty message: somebody is there (RFC 7252, section 4.3)."""
    return bytes((VERSION << 6 | RST << 4, EMPTY)) + ping.number.to_bytes(2, "big")


def _option(datagram: bytes, at: int) -> tuple[int, bytes, int]:
    """How far its number is from the last, its value, and where the next begins."""
    first = datagram[at]
    delta, at = _extended(first >> 4, datagram, at + 1)
    length, at = _extended(first & 0x0F, datagram, at)
    if at + length > len(datagram):
        raise Malformed("option cut off")
    return delta, datagram[at : at + length], at + length


def _extended(nibble: int, datagram: bytes, at: int) -> tuple[int, int]:
    if nibble < 13:
        return nibble, at
    if nibble not in EXTENDED:
        raise Malformed("reserved length")
    follow, more = EXTENDED[nibble]
    if at + follow > len(datagram):
        raise Malformed("option cut off")
    return int.from_bytes(datagram[at : at + follow], "big") + more, at + follow
