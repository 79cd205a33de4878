# SPDX-License-Identifier: Apache-2.0
"""What a loop is worth, against which baseline. Simulated and measured worth never share a column."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Evidence(StrEnum):
    SIMULATED = "simulated"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One figure of a domain: how it is called, its unit, and which way is better."""

    name: str
    title: str
    unit: str
    lower_is_better: bool = True
    baseline: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """One KPI over one span, beside its baseline; both in the KPI's unit."""

    kpi: str
    value: float
    baseline: float
    baseline_name: str
    from_ms: int
    to_ms: int
    evidence: Evidence
    note: str = ""


@dataclass(frozen=True, slots=True)
class Normal:
    """What a figure usually is at this hour: percentiles 10, 50 and 90 in its unit, and in words what they rest on."""

    low: float
    usual: float
    high: float
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """A domain's figure in the strip above the map: now, its normal, the last 24 h, and one line of meaning.

    `normal` is None where too little is known; `floor`/`ceiling`: the bar's ends.
    """

    title: str
    value: float | None
    unit: str
    normal: Normal | None = None
    floor: float
    ceiling: float
    spark: tuple[float, ...]
    line: str
    digits: int = 0
