# SPDX-License-Identifier: Apache-2.0
"""The detector's payload: 20 bytes for one approach, so that a street of detectors fits a narrow-band radio.

Layout, little-endian: magic "TD", version 1, spare, time (ms since 1970, u64), flow (veh/h, u16), queue (0.1 veh, u16),
occupancy (0.5 %, u8), speed (0.5 km/h, u8), congestion (1/255, u8), check (sum of the bytes before, modulo 256).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload, Instruction, Observation, Sample
from traffic.event_codec import SIGNAL
from traffic.lane_codec import LANES

LAYOUT = struct.Struct("<2sBBQHHBBBB")
MAGIC = b"TD"
_NAMES = ("traffic.flow", "traffic.queue", "traffic.occupancy", "traffic.speed", "traffic.congestion")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one detector saw: veh/h, vehicles, percent, km/h, 0..1."""

    flow: float
    queue: float
    occupancy: float
    speed: float
    congestion: float


def write(seen: Measured, at_ms: int) -> bytes:
    """The payload; values beyond the fields' range are held at its end."""
    body = LAYOUT.pack(
        MAGIC,
        1,
        0,
        at_ms,
        _clip(seen.flow, 65_535),
        _clip(seen.queue * 10, 65_535),
        _clip(seen.occupancy * 2, 200),
        _clip(seen.speed * 2, 255),
        _clip(seen.congestion * 255, 255),
        0,
    )[:-1]
    return body + bytes([sum(body) % 256])


def _clip(value: float, high: int) -> int:
    return max(0, min(high, round(value)))


_SAMPLE = Sample(
    write(Measured(640, 7.5, 31.5, 22.5, 0.6), 1_700_000_000_000),
    (
        Observation("traffic.flow", 640.0, 1_700_000_000_000),
        Observation("traffic.queue", 7.5, 1_700_000_000_000),
        Observation("traffic.occupancy", 31.5, 1_700_000_000_000),
        Observation("traffic.speed", 22.5, 1_700_000_000_000),
        Observation("traffic.congestion", 0.6, 1_700_000_000_000),
    ),
)


@dataclass(frozen=True, slots=True)
class TrafficDetector:
    """Reads one approach's counts; a detector takes no commands but can be written to in the house format."""

    name: str = "traffic_detector"
    version: str = "1"
    sample: Sample = field(default=_SAMPLE)

    def decode(self, payload: bytes, received_at_ms: int) -> Sequence[Observation]:
        del received_at_ms
        if len(payload) != LAYOUT.size:
            raise BadPayload(f"a detector message has {LAYOUT.size} bytes, this one {len(payload)}")
        magic, version, _, at_ms, flow, queue, occupancy, speed, congestion, check = LAYOUT.unpack(payload)
        if magic != MAGIC or version != 1:
            raise BadPayload("not a detector message of version 1")
        if check != sum(payload[:-1]) % 256:
            raise BadPayload("the check byte does not match: damaged on the way")
        if not 2**28 * 1000 <= at_ms <= 4_000_000_000_000:
            raise BadPayload("the time is not milliseconds since 1970")
        values = (float(flow), queue / 10, occupancy / 2, speed / 2, congestion / 255)
        return [Observation(name, value, at_ms) for name, value in zip(_NAMES, values, strict=True)]

    def encode(self, instruction: Instruction) -> bytes:
        return senml.CODEC.encode(instruction)


DETECTOR = TrafficDetector()
CODECS = (DETECTOR, LANES, SIGNAL)
