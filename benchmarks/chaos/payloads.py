# SPDX-License-Identifier: Apache-2.0
"""What nobody should send: payloads that have broken other people's parsers. Touches nothing."""

from __future__ import annotations

import gzip
from typing import Final

METRIC: Final = "lighting.power_w"
LARGEST: Final = 65_000  # a little less than a message may have


def record(value: str, at: object, name: str = METRIC) -> bytes:
    """A pack with one record; value and time as they are written, valid or not."""
    return f'[{{"n":"{name}","v":{value},"t":{at}}}]'.encode()


def messages(now: int) -> dict[str, bytes]:
    """By name, about this instant (seconds); each of them small enough to be a message."""
    return {
        "nan": record("NaN", now),
        "infinity": record("Infinity", now),
        "minus infinity": record("-Infinity", now),
        "1e308": record("1e308", now),
        "1e309": record("1e309", now),
        "sum beyond the largest number": b'[{"bv":1e308},' + record("1e308", now)[1:],
        "a number of 60,000 digits": record("1" * 60_000, now),
        "a number with 60,000 decimals": record("100000." + "1" * 60_000, now),
        "time 1e308": record("1", "1e308"),
        "time minus 1e308": record("1", "-1e308"),
        "time nan": record("1", "NaN"),
        "time in the year 2126": record("1", "4930416000"),
        "deep arrays": b"[" * LARGEST,
        "deep arrays, closed": b"[" * 30_000 + b"]" * 30_000,
        "deep objects": b'{"a":' * 13_000,
        "deep objects in a field nobody reads": b'[{"x":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}]",
        "1,001 records": b"[" + b",".join([record("1", now)[1:-1]] * 1_001) + b"]",
        "20,000 empty records": b"[" + b",".join([b"{}"] * 20_000) + b"]",
        "a name of 60,000 characters": record("1", now, "x" * 60_000),
        "a value that is text": record('"1"', now),
        "a value that is nothing": record("null", now),
        "an object": b'{"n":"lighting.power_w","v":1}',
        "broken utf-8 in a name": record("1", now).replace(b"power_w", b"power_\xff"),
        "overlong utf-8": record("1", now).replace(b"power_w", b"power_\xc0\xaf"),
        "half of a surrogate pair": record("1", now, "\\ud800"),
        "a NUL in a name": record("1", now, "\\u0000"),
        "NUL bytes": bytes(1_000),
        "utf-16": record("1", now).decode().encode("utf-16"),
        "byte order mark": b"\xef\xbb\xbf" + record("1", now),
        "nothing": b"",
        "blanks": b" " * LARGEST,
        "cut short": record("1", now)[:-3],
        "more after the end": record("1", now) + b"]",
        "gzip": gzip.compress(bytes(2**20)),
        "a formula": record("1", now, '=cmd|"/c calc"!A1'.replace('"', '\\"')),
        "a script": record("1", now, "<script>alert(1)</script>"),
        "an injection": record("1", now, "'; DROP TABLE reading; --"),
    }


def twice_the_same_key(now: int) -> bytes:
    """RFC 8259 leaves open which counts; whoever reads must at least not differ: here it is the last."""
    return f'[{{"n":"lighting.dim_level","n":"{METRIC}","v":1,"v":2,"t":1,"t":{now}}}]'.encode()


def requests(now: int, device: str) -> dict[str, tuple[dict[str, str], bytes]]:
    """By name: headers beside the key of this device, and the body; for POST /ingest only."""
    plain, bomb = {"Content-Type": "application/json"}, gzip.compress(bytes(100 * 2**20))
    one = record("1e9", now)
    return {
        "5 MB": (plain, one.ljust(5 * 2**20)),
        "4 MB of records": (plain, b"[" + b",".join([one[1:-1]] * 70_000) + b"]"),
        "a bomb that says it is one": (plain | {"Content-Encoding": "gzip"}, bomb),
        "a bomb that does not": (plain, bomb),
        "a form": ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=1"),
        "no type": ({}, one),
        "deep in an envelope": (plain, b'{"messages":' + b"[" * 500_000),
        "1,001 messages": (plain, b'{"messages":[' + b",".join([_item(device, b"1")] * 1_001) + b"]}"),
        "somebody else's device": (plain, _enveloped("nobody", one)),
        "bad base64": (plain, _enveloped(device, b'"%%%"')),
        "a payload over the limit": (plain, _enveloped(device, b"[" + b" " * 70_000 + one[1:])),
        "60,000 messages": (plain, b'{"messages":[' + b",".join([_item(device, b"1")] * 60_000) + b"]}"),
        "1,000,000 messages of nothing": (plain, b'{"messages":[' + b",".join([b"{}"] * 1_000_000) + b"]}"),
        "an envelope in an envelope": (plain, b'{"messages":{"messages":[]}}'),
    }


def _item(device: str, payload: bytes) -> bytes:
    return f'{{"device":"{device}","payload":'.encode() + payload + b"}"


def _enveloped(device: str, payload: bytes) -> bytes:
    return b'{"messages":[' + _item(device, payload) + b"]}"


def packets() -> dict[str, bytes]:
    """By name: bytes a device that was let in sends instead of a PUBLISH."""
    return {
        "5 MB": _publish(b"sc/CH-0/up", b"[".ljust(5 * 2**20)),
        "a length of 256 MB": b"\x32\xff\xff\xff\x7f" + bytes(1_000),
        "a length without end": b"\x32\xff\xff\xff\xff\xff",
        "broken utf-8 in the topic": _publish(b"sc/CH-0/\xff\xfe", b"[]"),
        "a NUL in the topic": _publish(b"sc/CH-0/\x00", b"[]"),
        "a wildcard in the topic": _publish(b"sc/+/up", b"[]"),
        "a topic of 60,000 bytes": _publish(b"a" * 60_000, b"[]"),
        "QoS 3": b"\x36" + _publish(b"sc/CH-0/up", b"[]")[1:],
        "packet id 0": _publish(b"sc/CH-0/up", b"[]", packet_id=0),
        "a second CONNECT": b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00",
        "noise": bytes(range(256)) * 16,
    }


def _publish(topic: bytes, payload: bytes, packet_id: int = 1) -> bytes:
    """MQTT 5, QoS 1, written out by hand because no library writes what is wrong."""
    body = len(topic).to_bytes(2, "big") + topic + packet_id.to_bytes(2, "big") + b"\x00" + payload
    length, rest = bytearray(), len(body)
    while True:
        rest, digit = divmod(rest, 128)[0], rest % 128
        length.append(digit | (0x80 if rest else 0))
        if not rest:
            return b"\x32" + bytes(length) + body
