# SPDX-License-Identifier: Apache-2.0
"""How one kind of device writes telemetry and reads commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class BadPayload(Exception):
    """The bytes are not what this codec reads. The message says why, in words fit for an operator."""


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
    """Telemetry in, commands out. Stateless; `decode` raises nothing but BadPayload."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def sample(self) -> Sample: ...

    def decode(self, payload: bytes, received_at_ms: int) -> Sequence[Observation]: ...

    def encode(self, instruction: Instruction) -> bytes: ...
