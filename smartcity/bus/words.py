# SPDX-License-Identifier: Apache-2.0
"""How a message between processes is written: who says it, the how-manieth it is, and a list of items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

ROOM: Final = 7_800
"""Bytes of one message; PostgreSQL takes fewer than 8,000."""

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


def write(sender: str, number: int, packed: bytes) -> str:
    """`packed` as `pack` gives it."""
    return f'{{"from":{_encode(sender).decode()},"n":{number},"items":{packed.decode()}}}'


def read(text: str) -> Said:
    """Raises ValueError where it is none of ours."""
    try:
        found = msgspec.json.decode(text)
        return Said(str(found["from"]), int(found["n"]), list(found["items"]))
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ValueError(f"not a message of ours: {text[:100]}") from error
