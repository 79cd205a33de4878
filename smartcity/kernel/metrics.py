# SPDX-License-Identifier: Apache-2.0
"""What can be measured, and what must be declared before it may be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

NAME = re.compile(r"[a-z]+\.[a-z][a-z0-9_]*")


class DataClass(StrEnum):
    """Who may see a metric and how long it lives (docs/explanation/data-protection.md)."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SAFETY = "safety"


class Keep(StrEnum):
    """Which of the arriving readings become rows: all, one every `keep_every_s`, or only the latest value."""

    ALL = "all"
    EVERY = "every"
    LATEST = "latest"


class Total(StrEnum):
    """How readings of one series combine in a rollup and on a chart."""

    MEAN = "mean"
    SUM = "sum"
    LAST = "last"
    MAX = "max"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One measurable quantity (SensorThings: ObservedProperty).

    `low`/`high` bound a sane value in `unit`; `every_s` is the expected interval in city seconds;
    `max_step` is the largest believable change between two readings. A rise of more than `spike` above the median of
    the last five is believed once it has lasted for three. A value that has not changed for `stuck_s` city seconds is
    a sensor's that hangs, unless it is `rests_at`. A metric with `states` stores the index.
    """

    name: str
    title: str
    unit: str
    low: float
    high: float
    every_s: float
    data_class: DataClass
    purpose: str
    keep_raw_days: int = 90
    keep_rollup_days: int = 3650
    keep: Keep = Keep.ALL
    keep_every_s: float = 0.0
    total: Total = Total.MEAN
    shared: bool = False
    max_step: float | None = None
    spike: float | None = None
    stuck_s: float | None = None
    rests_at: float | None = None
    states: tuple[str, ...] = field(default=())
    rolled: bool = True

    @property
    def domain(self) -> str:
        return self.name.partition(".")[0]


def faults(metric: Metric) -> list[str]:
    """Why this declaration cannot be accepted; empty when it can."""
    claims = {
        "name must look like domain.quantity": bool(NAME.fullmatch(metric.name)),
        "title and unit are required (unit '1' when there is none)": bool(metric.title and metric.unit),
        "low must be below high": metric.low < metric.high,
        "every_s must be positive": metric.every_s > 0,
        "purpose must say why the city measures this": len(metric.purpose) >= 10,
        "keep_raw_days and keep_rollup_days must be positive": metric.keep_raw_days > 0 and metric.keep_rollup_days > 0,
        "keep_every_s is needed with Keep.EVERY": metric.keep is not Keep.EVERY or metric.keep_every_s > 0,
        "max_step, spike and stuck_s must be positive": all(
            limit is None or limit > 0 for limit in (metric.max_step, metric.spike, metric.stuck_s)
        ),
        "states must fit the range": not metric.states or (metric.low == 0 and metric.high >= len(metric.states) - 1),
    }
    return [claim for claim, holds in claims.items() if not holds]
