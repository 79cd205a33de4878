# SPDX-License-Identifier: Apache-2.0
"""Payloads that are nearly right: built by a grammar of SenML, then hurt in a few places. Pure; a seed tells them all.

The grammar reaches what lies behind the parser, the hurting reaches the parser itself; bytes without any sense are few,
because every decoder refuses them at once.
"""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any, Final

import cbor2

NAMES: Final = ("lighting.power_w", "lighting.dim_level", "power_w", "", "x", "\\u0000", "\\ud800", "é" * 40)
FIELDS: Final = ("n", "v", "vb", "t", "bn", "bt", "bv", "bu", "bver", "u", "vs", "x", "n ", "N")
ODD: Final = (
    "null", "true", "false", "NaN", "-Infinity", "1e308", "-1e308", "1e309", "5e-324", "-0", "00", "1.", ".5", "0x10",
    "9" * 400, "1" + "0" * 30, "[]", "{}", "[[[[]]]]", '""', '"1"', '"\\ud800"', '"' + "x" * 300 + '"',
    "18446744073709551616",
)  # fmt: skip
PIECES: Final = (
    b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"\\u", b"\x00", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"e999",
    b"-", b"NaN", b'"n":', b"null", b"\xef\xbb\xbf", b"/*", b"\n",
)  # fmt: skip
LABELS: Final[dict[str, Any]] = {
    "bver": -1,
    "bn": -2,
    "bt": -3,
    "bu": -4,
    "bv": -5,
    "n": 0,
    "u": 1,
    "v": 2,
    "vb": 4,
    "t": 6,
}
CBOR_NAMES: Final = (*NAMES[:5], "\0", "é" * 40)
CBOR_ODD: Final[tuple[object, ...]] = (
    None, True, False, float("nan"), float("inf"), 1e308, -1e308, 2**64 - 1, -(2**64), "", "x" * 300, b"\xff", [],
    [[1]], {}, {1: {2: 3}}, cbor2.undefined,
)  # fmt: skip
TAGS: Final = (0, 1, 2, 4, 5, 25, 28, 29, 30, 35, 36, 37, 256, 258, 260, 1004, 55_799, 2**33)
RIGHT: Final = 0.85  # share of fields that are as they should be
MOST_RECORDS: Final = 6
LARGEST: Final = 4_096


def payload(random: Random, now: int) -> bytes:
    """One message of a device; at most a few kilobytes."""
    if random.random() < 0.05:
        return random.randbytes(random.randrange(64))
    said = ("[" + ",".join(_record(random, now) for _ in range(random.randrange(1, MOST_RECORDS))) + "]").encode()
    return hurt(random, said, random.choice((0, 0, 1, 1, 2, 4)))


def cbor_payload(random: Random, now: int) -> bytes:
    """The same in CBOR, with values and labels only CBOR has."""
    records = [_cbor_record(random, now) for _ in range(random.randrange(1, MOST_RECORDS))]
    return hurt(random, cbor2.dumps(records), random.choice((0, 0, 1, 1, 2, 4)))


def hurt(random: Random, said: bytes, places: int) -> bytes:
    """Bytes changed, cut out, said twice, put in, or cut off in so many places."""
    hurt = bytearray(said)
    for _ in range(places):
        start = random.randrange(len(hurt) + 1)
        end = min(len(hurt), start + random.randrange(1, 24))
        match random.randrange(6):
            case 0:
                del hurt[start:end]
            case 1:
                hurt[start:start] = hurt[start:end] * random.randrange(1, 9)
            case 2:
                hurt[start:start] = random.choice(PIECES)
            case 3:
                hurt[start : start + 1] = random.randbytes(1)
            case 4:
                hurt[start:end] = random.choice(PIECES)
            case _:
                del hurt[max(1, start) :]
    return bytes(hurt[:LARGEST])


def request(random: Random, now: int, devices: list[str], many: int) -> bytes:
    """The body of a gateway that passes on so many messages. Any bytes may be said, so they come in base64."""
    said = [payload(random, now) for _ in range(many)]
    items = [{"device": random.choice(devices), "payload": base64.b64encode(one).decode()} for one in said]
    return json.dumps({"messages": items}).encode()


def _record(random: Random, now: int) -> str:
    """Name and value mostly there; any field may come twice or with what belongs elsewhere."""
    fields = ["n", "v", *(random.choice(FIELDS) for _ in range(random.choice((0, 0, 1, 1, 2, 3))))]
    return "{" + ",".join(f'"{name}":{_value(random, name, now)}' for name in fields) + "}"


def _cbor_record(random: Random, now: int) -> dict[object, object]:
    names = ["n", "v", *(random.choice(FIELDS) for _ in range(random.choice((0, 0, 1, 1, 2, 3))))]
    return {LABELS.get(name, name): _cbor_value(random, name, now) for name in names}


def _cbor_value(random: Random, name: str, now: int) -> object:
    if random.random() > RIGHT:
        odd = random.choice(CBOR_ODD)
        return cbor2.CBORTag(random.choice(TAGS), odd) if random.random() < 0.3 else odd
    match name:
        case "n" | "bn" | "u" | "bu":
            return random.choice(CBOR_NAMES)
        case "t" | "bt":
            return now - random.choice((0, 1, 60, -60, 86_400, -86_400, now, 2**31))
        case _:
            return random.choice((0, 1, -1, 40.5, 1e6))


def _value(random: Random, name: str, now: int) -> str:
    if random.random() > RIGHT:
        return random.choice(ODD)
    match name:
        case "n" | "bn" | "u" | "bu":
            return f'"{random.choice(NAMES)}"'
        case "t" | "bt":
            return str(now - random.choice((0, 1, 60, -60, 86_400, -86_400, now, 2**31)))
        case _:
            return str(random.choice((0, 1, -1, 40.5, 1e6)))
