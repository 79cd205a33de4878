# SPDX-License-Identifier: Apache-2.0
"""How a message between processes is written: who says it, the how-manieth it is, a list of items, and a signature.

PostgreSQL lets every role that may connect NOTIFY, the one of the phones' process too: only what is signed with the
city's own key is believed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

ROOM: Final = 7_700
"""Bytes of one message; PostgreSQL takes fewer than 8,000."""

SIGNATURE: Final = 32

_encode = msgspec.json.Encoder().encode


class TooLong(Exception):
    """One item alone fills more than a message."""


@dataclass(frozen=True, slots=True)
class Said:
    """`number` counts what `sender` has said on one topic, from 1: a gap means that something was missed."""

    sender: str
    number: int
    items: list[Any]


def pack(items: Iterable[Any], room: int = ROOM) -> Iterator[bytes]:
    """The items as JSON arrays, as many of them in each as have room. Raises TooLong."""
    part: list[bytes] = []
    filled = 2
    for item in items:
        one = _encode(item)
        if len(one) + 2 > room:
            raise TooLong(f"an item of {len(one)} bytes, at most {room - 2} are carried")
        if filled + len(one) + 1 > room:
            yield b"[" + b",".join(part) + b"]"
            part, filled = [], 2
        part.append(one)
        filled += len(one) + 1
    if part:
        yield b"[" + b",".join(part) + b"]"


def key_of(secret: str) -> bytes:
    """From the city's secret key, which every process has but the phones'."""
    return hashlib.sha256(b"words between processes\n" + secret.encode()).digest()


class Unsigned(ValueError):
    """Whoever says this does not know the city's key."""


def write(key: bytes, topic: str, sender: str, number: int, packed: bytes) -> str:
    """`packed` as `pack` gives it."""
    text = f'{{"from":{_encode(sender).decode()},"n":{number},"items":{packed.decode()}}}'
    return _signature(key, topic, text) + text


def read(key: bytes, topic: str, text: str) -> Said:
    """Raises Unsigned, or another ValueError where it is none of ours."""
    signature, body = text[:SIGNATURE], text[SIGNATURE:]
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(key, topic, body).encode()):
        raise Unsigned(f"not signed by this city: {text[:60]}")
    try:
        found = msgspec.json.decode(body)
        return Said(str(found["from"]), int(found["n"]), list(found["items"]))
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ValueError(f"not a message of ours: {body[:100]}") from error


def _signature(key: bytes, topic: str, body: str) -> str:
    """HMAC-SHA256 (RFC 2104), half of it, in hexadecimal."""
    return hmac.new(key, f"{topic}\n{body}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:SIGNATURE]
