# SPDX-License-Identifier: Apache-2.0
"""What can be measured, and what must be declared before it may be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

NAME = re.compile(r"[a-z]+\.[a-z][a-z0-9_]*")


class DataClass(StrEnum):
    """Who may see a metric and how long it lives (docs/how-to/keep-or-delete-data.md)."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SAFETY = "safety"


SEALED_DAYS = {DataClass.PUBLIC: 730, DataClass.INTERNAL: 730}
"""So long are packed readings of a class worth keeping where its metric says nothing else."""
LONGEST_PERSONAL_DAYS = 400


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

    A reading lives `keep_raw_days`, or, packed once its day is over, `keep_sealed_days` where that is longer (None: as
    its data class says; personal and safety data no longer than raw); rollups live `keep_rollup_days`.
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
    keep_sealed_days: int | None = None
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

    @property
    def sealed_days(self) -> int:
        """How long a reading lives at all, open or packed."""
        longest = SEALED_DAYS.get(self.data_class, 0) if self.keep_sealed_days is None else self.keep_sealed_days
        return max(self.keep_raw_days, longest)


def faults(metric: Metric) -> list[str]:
    """Why this declaration cannot be accepted; empty when it can."""
    claims = {
        "name must look like domain.quantity": bool(NAME.fullmatch(metric.name)),
        "title and unit are required (unit '1' when there is none)": bool(metric.title and metric.unit),
        "low must be below high": metric.low < metric.high,
        "every_s must be positive": metric.every_s > 0,
        "purpose must say why the city measures this": len(metric.purpose) >= 10,
        "keep_raw_days and keep_rollup_days must be positive": metric.keep_raw_days > 0 and metric.keep_rollup_days > 0,
        "keep_sealed_days must not be less than keep_raw_days": metric.keep_sealed_days is None
        or metric.keep_sealed_days >= metric.keep_raw_days,
        f"personal data must say that they live at most {LONGEST_PERSONAL_DAYS} days, rollups too": (
            metric.data_class is not DataClass.PERSONAL
            or max(metric.sealed_days, metric.keep_rollup_days) <= LONGEST_PERSONAL_DAYS
        ),
        "keep_every_s is needed with Keep.EVERY": metric.keep is not Keep.EVERY or metric.keep_every_s > 0,
        "max_step, spike and stuck_s must be positive": all(
            limit is None or limit > 0 for limit in (metric.max_step, metric.spike, metric.stuck_s)
        ),
        "states must fit the range": not metric.states or (metric.low == 0 and metric.high >= len(metric.states) - 1),
    }
    return [claim for claim, holds in claims.items() if not holds]
