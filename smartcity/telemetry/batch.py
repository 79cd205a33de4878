# SPDX-License-Identifier: Apache-2.0
"""What goes into the store in one transaction, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from smartcity.telemetry.arrays import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Readings:
    """Columns of equal length, in order of arrival; instants in ms, values finite, `received` in city time."""

    at: Ints
    series: Ints
    value: Floats
    quality: Ints
    received: Ints

    def __len__(self) -> int:
        return len(self.at)

    def take(self, which: Bools | Ints) -> Readings:
        return Readings(
            self.at[which], self.series[which], self.value[which], self.quality[which], self.received[which]
        )

    @property
    def delay_s(self) -> Ints:
        """Whole seconds between measuring and receiving; negative where a device's clock is ahead."""
        delay: Ints = np.clip((self.received - self.at) // 1000, -(2**31), 2**31 - 1)
        return delay

    @classmethod
    def none(cls) -> Readings:
        empty = np.empty(0, np.int64)
        return cls(empty, empty, np.empty(0, np.float64), empty, empty)

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[Any, ...]]) -> Readings:
        """From rows (at, series, value, quality) or (…, delay_s); without it, received is told as the instant."""
        if not rows:
            return cls.none()
        at, series, value, quality, *delay_s = zip(*rows, strict=True)
        instants = np.array(at, np.int64)
        received = instants + np.array(delay_s[0], np.int64) * 1000 if delay_s else instants
        return cls(instants, np.array(series, np.int64), np.array(value, float), np.array(quality, np.int64), received)

    @classmethod
    def of_parts(cls, parts: Sequence[Readings]) -> Readings:
        """One after another."""
        if not parts:
            return cls.none()
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A message (`readings` 0) or so many readings of one that cannot be stored, and why in words.

    `kind` comes from a small fixed set and is counted; `reason` is for people. Of a body that may not be kept, only
    its size and digest are.
    """

    device: int
    uid: str
    received_at: int
    transport: str
    codec: str
    kind: str
    reason: str
    payload: bytes
    readings: int = 0
    keeps_body: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A batch of a device's event log as it came. `clock_error_ms` is how far the device's clock was ahead of ours when
    it sent it, the time on the road counted against it."""

    device: int
    number: int
    first_at: int
    last_at: int
    events: int
    received_at: int
    clock_error_ms: int
    codec: str
    packed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """`seen`: Device.pk → city ms; `counts`: further tallies to add, by name."""

    now_ms: int
    readings: Readings = field(default_factory=Readings.none)
    seen: Mapping[int, int] = field(default_factory=dict)
    quarantined: Sequence[Quarantined] = ()
    logged: Sequence[Logged] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Readings = stored + duplicate + conflicting + not kept (+ quarantined). `fresh` marks those that are news:
    neither duplicate nor conflicting. `refused` are places in `Batch.quarantined` over the cap, not kept at all.
    """

    stored: int
    duplicate: int
    conflicting: int
    not_kept: int
    quarantined: int
    fresh: Bools
    refused: tuple[int, ...] = ()
