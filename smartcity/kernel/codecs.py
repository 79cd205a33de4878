# SPDX-License-Identifier: Apache-2.0
"""How one kind of device writes telemetry and reads commands."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

NO_TIME: Final = -(2**62)
log = logging.getLogger(__name__)
_told: set[str] = set()


class BadPayload(Exception):
    """The bytes are not what this codec reads, or the instruction not what it can write. The message says why, in
    words fit for an operator.
    """


@dataclass(frozen=True, slots=True)
class Observation:
    """One measured value as the device wrote it; `at_ms` is None when the device gave no absolute time.

    `unit` is empty where the device names none; given, it must be the metric's.
    """

    metric: str
    value: float
    at_ms: int | None
    unit: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class EventBatch:
    """What the head of a batch of a device's event log says; the payload itself is kept unread, as evidence.

    `number` counts the device's batches; instants are ms of the device's own clock: of its first and last event, and
    of sending.
    """

    number: int
    first_ms: int
    last_ms: int
    sent_ms: int
    events: int


@dataclass(slots=True)
class Observations:
    """The observations of one payload as columns of equal length: an object for each would cost more than all the rest.

    `at_ms` holds NO_TIME where the device gave no absolute time, and need not be whole; `units` is empty where it names
    no unit at all. Values are finite. `log` is there where the payload is a batch of an event log: then there are no
    values.
    """

    metrics: Sequence[str]
    values: Sequence[float]
    at_ms: Sequence[float]
    units: Sequence[str] = ()
    log: EventBatch | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """What a command tells the device; `value` is a number or a word the device announced."""

    id: str
    point: str
    value: float | str
    expires_at_ms: int
    sequence: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A real payload and what it must decode to; the conformance suite replays it."""

    payload: bytes
    observations: tuple[Observation, ...]
    received_at_ms: int = 1_800_000_000_000


class Codec(Protocol):
    """Telemetry in, commands out. Stateless; it raises nothing but BadPayload, whatever bytes come.

    A device whose codec cannot write an instruction gets it in the house format.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def sample(self) -> Sample: ...

    def decode(self, payload: bytes, received_at_ms: int) -> Sequence[Observation]: ...

    def encode(self, instruction: Instruction) -> bytes: ...


@runtime_checkable
class FrameCodec(Codec, Protocol):
    """A codec of devices on a radio network whose frames have ports. Its `encode` writes the bare frame."""

    def decode_frame(self, frame: bytes, port: int | None) -> Sequence[Observation]:
        """`port` is None where it did not come along."""
        ...


class ColumnCodec(Codec, Protocol):
    """A codec that reads long payloads without making an object of each value. `decode` says the same."""

    def columns(self, payload: bytes, received_at_ms: int) -> Observations: ...


def broke(codec: Codec, problem: Exception) -> str:
    """A codec's own fault in words. The log hears of each once: a street of its devices would flood it."""
    words = f"the codec {codec.name} {codec.version} broke: {type(problem).__name__}"
    if words not in _told:
        _told.add(words)
        log.error("%s", words, exc_info=problem)
    return words
