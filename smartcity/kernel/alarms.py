# SPDX-License-Identifier: Apache-2.0
"""Conditions a person must know about, declared with what to do (ISA-18.2 rationalisation)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    CRITICAL = 1
    HIGH = 2
    MEDIUM = 3
    LOW = 4

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """One condition on one metric. `is_bad(value, engineering)` is the raise test, `is_good` the clear test
    (different thresholds make the hysteresis). Delays count device time, in city seconds.

    `text` may use {name} {value} {unit}; cause, consequence, response and respond_within_s are all required.
    """

    name: str
    metric: str
    kinds: tuple[str, ...]
    severity: Severity
    is_bad: Callable[[float, dict[str, object]], bool]
    is_good: Callable[[float, dict[str, object]], bool]
    on_delay_s: float
    off_delay_s: float
    text: str
    cause: str
    consequence: str
    response: str
    respond_within_s: float
    call: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Trouble with one asset that another part of the platform has judged; it stands while it is reported.

    `text` says what is wrong without naming the asset; `value` is what was measured in `unit`, None where nothing was.
    """

    asset: int
    text: str
    value: float | None
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFinding:
    """The same of a domain; `zone` is where its alarm stands."""

    domain: str
    zone: int
    text: str


Findings = Callable[[int, bool], Sequence[Finding]]
"""`(now_ms, is_simulation)` to what stands now. May query; it is asked about every second, outside any transaction."""

ClocksOff = Callable[[float], Mapping[int, float]]
"""`(speed)` to the devices whose clock is off now: pk → seconds ahead. Asked about every second."""

PlaceFindings = Callable[[int, bool], Sequence[PlaceFinding]]


@dataclass(frozen=True, slots=True)
class Watched:
    """A condition its domain judges from many readings at once, with its own delays and hysteresis.

    `judge(now_ms, standing)` is told on which assets (pk) its alarm stands and answers with what stands now; None: not
    known, all stays as it is. It may query; it is asked about every second, outside any transaction. The rule's own
    tests and delays are not asked.
    """

    rule: AlarmRule
    judge: Callable[[int, frozenset[int]], Sequence[Finding] | None]
