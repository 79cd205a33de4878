# SPDX-License-Identifier: Apache-2.0
"""A junction's detector heads in one message: vehicles in each zone by distance and speed, stop bars, exits.

No identities and no routes: a vehicle is a distance and a speed, and is nobody a second later. Layout, little-endian:
magic "TL", version 1, sections u8 (3), time (ms since 1970, u64); zones: number u8, each index u8, vehicles u8, per
vehicle distance (0.5 m, u16) and speed (0.25 m/s, u8); stop bars: number u8, each lane u8, vehicles u8, blocked lanes:
number u8, each lane u8; exits: number u8, each exit u8, vehicles u8; check (sum of the bytes before, modulo 256).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload, Instruction, Observation, Sample
from traffic.planner.frames import STANDING_MS, Frame

HEAD = struct.Struct("<2sBBQ")
PAIR = struct.Struct("<BB")
VEHICLE = struct.Struct("<HB")
MAGIC, VERSION, SECTIONS = b"TL", 1, 3
KMH = 3.6


def write(frame: Frame) -> bytes:
    """The message; values beyond their fields are held at the fields' end. At most 255 zones, lanes and exits."""
    parts = [HEAD.pack(MAGIC, VERSION, SECTIONS, frame.at_ms), bytes([len(frame.zones)])]
    for index, vehicles in frame.zones.items():
        parts.append(PAIR.pack(index, min(255, len(vehicles))))
        parts += [VEHICLE.pack(_held(m * 2, 65_535), _held(speed * 4, 255)) for m, speed in vehicles[:255]]
    parts.append(_counts(frame.departed))
    parts.append(bytes([len(frame.blocked), *sorted(frame.blocked)]))
    parts.append(_counts(frame.passed))
    body = b"".join(parts)
    return body + bytes([sum(body) % 256])


def _held(value: float, high: int) -> int:
    return max(0, min(high, round(value)))


def _counts(counts: object) -> bytes:
    rows = sorted(counts.items())  # type: ignore[attr-defined]
    return bytes([len(rows)]) + b"".join(PAIR.pack(index, min(255, count)) for index, count in rows)


def read(payload: bytes) -> Frame:
    """Raises BadPayload."""
    if len(payload) < HEAD.size + 5:
        raise BadPayload(f"a lane message has at least {HEAD.size + 5} bytes, this one {len(payload)}")
    magic, version, _, at_ms = HEAD.unpack_from(payload)
    if magic != MAGIC or version != VERSION:
        raise BadPayload("not a lane message of version 1")
    if payload[-1] != sum(payload[:-1]) % 256:
        raise BadPayload("the check byte does not match: damaged on the way")
    if not 2**28 * 1000 <= at_ms <= 4_000_000_000_000:
        raise BadPayload("the time is not milliseconds since 1970")
    return _body(payload[:-1], at_ms)


def _body(payload: bytes, at_ms: int) -> Frame:
    at = HEAD.size
    try:
        zones = {}
        number, at = payload[at], at + 1
        for _ in range(number):
            index, vehicles = PAIR.unpack_from(payload, at)
            at += PAIR.size
            seen = [VEHICLE.unpack_from(payload, at + VEHICLE.size * k) for k in range(vehicles)]
            zones[index] = [(metres / 2, speed / 4) for metres, speed in seen]
            at += VEHICLE.size * vehicles
        departed, at = _pairs(payload, at)
        blocked = frozenset(payload[at + 1 : at + 1 + payload[at]])
        at += 1 + payload[at]
        passed, at = _pairs(payload, at)
    except (struct.error, IndexError):
        raise BadPayload("the message ends in the middle of a section") from None
    if at != len(payload):
        raise BadPayload(f"{len(payload) - at} bytes too many")
    return Frame(at_ms, zones, departed, blocked, passed)


def _pairs(payload: bytes, at: int) -> tuple[dict[int, int], int]:
    number, at = payload[at], at + 1
    return dict(PAIR.unpack_from(payload, at + PAIR.size * k) for k in range(number)), at + PAIR.size * number


_FRAME = Frame(1_700_000_000_000, {0: [(3.5, 0.0), (41.0, 11.25)], 1: []}, {0: 1}, frozenset({1}), {2: 1})


@dataclass(frozen=True, slots=True)
class LaneDetector:
    """Reads a junction's heads: what is kept is how many stand and how fast the others are; vehicles are not."""

    name: str = "lane_detector"
    version: str = "1"
    sample: Sample = field(
        default=Sample(
            write(_FRAME),
            (
                Observation("traffic.queue", 1.0, 1_700_000_000_000),
                Observation("traffic.speed", 20.25, 1_700_000_000_000),
            ),
        )
    )

    def decode(self, payload: bytes, received_at_ms: int) -> Sequence[Observation]:
        del received_at_ms
        frame = read(payload)
        speeds = [speed for vehicles in frame.zones.values() for _, speed in vehicles]
        found = [Observation("traffic.queue", float(sum(v < STANDING_MS for v in speeds)), frame.at_ms)]
        if speeds:
            mean = min(130.0, KMH * sum(speeds) / len(speeds))
            found.append(Observation("traffic.speed", mean, frame.at_ms))
        return found

    def encode(self, instruction: Instruction) -> bytes:
        return senml.CODEC.encode(instruction)


LANES = LaneDetector()
