# SPDX-License-Identifier: Apache-2.0
"""What a junction's detector heads say in one second, and what they watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

STANDING_MS = 2.0  # slower counts as standing


@dataclass(frozen=True, slots=True)
class Zone:
    """A piece of lane that is watched: up to `reach_m` from the stop line of the lanes it `feeds` (indices)."""

    speed_ms: float
    reach_m: float
    feeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """From an exit to lanes of the next signalised junction: driving time, and the part of its vehicles that do."""

    junction: str
    lanes: tuple[int, ...]
    travel_s: float
    part: float


@dataclass(frozen=True, slots=True)
class Frame:
    """One second of a junction's detectors; what is dead is missing.

    `zones`: zone → (metres to the stop line, m/s) of each vehicle in it; `departed`: lane → vehicles over its stop bar;
    `blocked`: lanes none of whose exits has room; `passed`: exit → vehicles that came out there.
    """

    at_ms: int
    zones: Mapping[int, Sequence[tuple[float, float]]]
    departed: Mapping[int, int]
    blocked: frozenset[int] = frozenset()
    passed: Mapping[int, int] = field(default_factory=dict)
