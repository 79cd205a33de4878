# SPDX-License-Identifier: Apache-2.0
"""A signal controller's payloads: the house format for what it measures, and batches of its event log.

A batch, little-endian: magic "TE", version 1, spare, number (u32, counts the device's batches), sent and first event
(ms since 1970 by the controller's clock, u64 each), count (u16), spare (u16), then of each event ms since the first
(u32), code and parameter (u16 each), and at the end the CRC-32 of all before it (u32).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload, EventBatch, Instruction, Observation, Observations, Sample

MAGIC = b"TE"
HEAD = struct.Struct("<2sBBIQQHH")
CHECK = struct.Struct("<I")
EVENT = np.dtype([("after_ms", "<u4"), ("code", "<u2"), ("parameter", "<u2")])
MOST_EVENTS = 4000
EARLIEST_MS, LATEST_MS = 2**28 * 1000, 4_000_000_000_000
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Event:
    """`at_ms` by the controller's clock; code and parameter of the Indiana enumerations."""

    at_ms: int
    code: int
    parameter: int


def write(events: Sequence[Event], number: int, sent_ms: int) -> bytes:
    """One batch of 1 to MOST_EVENTS events in order of time; times are cut to ms."""
    first = events[0].at_ms
    rows = [(event.at_ms - first, event.code, event.parameter) for event in events]
    head = HEAD.pack(MAGIC, 1, 0, number, sent_ms, first, len(events), 0)
    body = head + np.array(rows, EVENT).tobytes()
    return body + CHECK.pack(zlib.crc32(body))


def read(payload: bytes) -> tuple[Ints, Ints, Ints]:
    """Instants (ms), codes and parameters of a batch. Raises BadPayload."""
    head = head_of(payload)
    rows = np.frombuffer(payload, EVENT, count=head.events, offset=HEAD.size)
    return (
        head.first_ms + rows["after_ms"].astype(np.int64),
        rows["code"].astype(np.int64),
        rows["parameter"].astype(np.int64),
    )


def head_of(payload: bytes) -> EventBatch:
    """Raises BadPayload."""
    if len(payload) < HEAD.size + CHECK.size:
        raise BadPayload("an event batch is longer than this")
    magic, version, _, number, sent_ms, first_ms, many, _ = HEAD.unpack_from(payload)
    if magic != MAGIC or version != 1:
        raise BadPayload("not an event batch of version 1")
    if not 1 <= many <= MOST_EVENTS or len(payload) != HEAD.size + many * EVENT.itemsize + CHECK.size:
        raise BadPayload(f"an event batch says {many} events and has {len(payload)} bytes")
    if CHECK.unpack_from(payload, len(payload) - CHECK.size)[0] != zlib.crc32(payload[: -CHECK.size]):
        raise BadPayload("the check does not match: damaged on the way")
    if not EARLIEST_MS <= first_ms <= LATEST_MS or not EARLIEST_MS <= sent_ms <= LATEST_MS:
        raise BadPayload("the time is not milliseconds since 1970")
    after = np.frombuffer(payload, EVENT, count=many, offset=HEAD.size)["after_ms"]
    if after[0] or (np.diff(after.astype(np.int64)) < 0).any():
        raise BadPayload("events are not in order of time")
    return EventBatch(number, first_ms, first_ms + int(after[-1]), sent_ms, many)


@dataclass(frozen=True, slots=True)
class TrafficSignal:
    """Readings and commands as in the house format; a payload that begins with "TE" is a batch of the event log."""

    name: str = "traffic_signal"
    version: str = "1"
    sample: Sample = field(default=senml.CODEC.sample)

    def decode(self, payload: bytes, received_at_ms: int) -> Sequence[Observation]:
        if payload[:2] == MAGIC:
            head_of(payload)
            return []
        return senml.CODEC.decode(payload, received_at_ms)

    def columns(self, payload: bytes, received_at_ms: int) -> Observations:
        if payload[:2] == MAGIC:
            return Observations([], [], [], log=head_of(payload))
        return senml.CODEC.columns(payload, received_at_ms)

    def encode(self, instruction: Instruction) -> bytes:
        return senml.CODEC.encode(instruction)


SIGNAL = TrafficSignal()
