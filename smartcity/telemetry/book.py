# SPDX-License-Identifier: Apache-2.0
"""What the store and the quality checks must know of each series, as columns indexed by series id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from smartcity.kernel.clock import clock
from smartcity.kernel.metrics import Keep, Metric
from smartcity.telemetry.arrays import Bools, Floats, Ints

ALL: Final = 0
LATEST_ONLY: Final = -1
DAY_MS: Final = 86_400_000
NEVER: Final = 2**62
SIMULATED_RAW_DAYS: Final = 14


@dataclass(frozen=True)
class Book:
    """`keep_ms`: 0 keeps every reading, -1 only the latest value, n > 0 one reading in each span of n ms.

    Ids that are not in it stand for series without a declaration: all columns are one longer than the largest id,
    and its last row, the defaults, is what `rows` gives them.
    """

    low: Floats
    high: Floats
    max_step: Floats
    spike: Floats
    stuck_ms: Ints
    rests_at: Floats
    every_ms: Ints
    keep_ms: Ints
    raw_ms: Ints
    rollup_ms: Ints
    rolled: Bools
    is_state: Bools

    def rows(self, series: Ints) -> Ints:
        """Where each series stands in the columns."""
        return np.where((series >= 0) & (series < len(self.low) - 1), series, len(self.low) - 1)

    @cached_property
    def is_watched(self) -> Bools:
        """Whether what a reading follows says anything about it."""
        watched: Bools = np.isfinite(self.max_step) | np.isfinite(self.spike) | (self.stuck_ms < NEVER)
        return watched

    @cached_property
    def most_raw_ms(self) -> int:
        return int(self.raw_ms.max())


def write(series: Iterable[tuple[int, str]], metrics: Mapping[str, Metric], *, raw_days: float = np.inf) -> Book:
    """From (series id, metric name) pairs. No raw reading lives longer than `raw_days`. O(largest id)."""
    known = [(number, metrics[name]) for number, name in series if name in metrics]
    size = max((number for number, _ in known), default=-1) + 2
    book = _blank(size)
    book.raw_ms[:] = np.minimum(book.raw_ms, min(raw_days, 36_500) * DAY_MS)
    for number, metric in known:
        book.low[number], book.high[number] = metric.low, metric.high
        book.max_step[number] = np.inf if metric.max_step is None else metric.max_step
        book.spike[number] = np.inf if metric.spike is None else metric.spike
        book.stuck_ms[number] = NEVER if metric.stuck_s is None else metric.stuck_s * 1000
        book.rests_at[number] = np.nan if metric.rests_at is None else metric.rests_at
        book.every_ms[number] = metric.every_s * 1000
        book.keep_ms[number] = _keep_ms(metric)
        book.raw_ms[number] = min(metric.sealed_days, raw_days) * DAY_MS
        book.rollup_ms[number] = metric.keep_rollup_days * DAY_MS
        book.rolled[number] = metric.rolled
        book.is_state[number] = bool(metric.states)
    return book


def load() -> Book:
    """From the city's database and what the domains declare. One query."""
    from smartcity import declared
    from smartcity.devices.models import Series

    return write(Series.objects.values_list("id", "metric"), declared.metrics(), raw_days=longest_raw_days())


def longest_raw_days() -> float:
    """What the city says, else as declared; what was only simulated is not worth more than two weeks of room."""
    from django.conf import settings

    return float(settings.RAW_DAYS or (SIMULATED_RAW_DAYS if clock.is_simulation else np.inf))


def _blank(size: int) -> Book:
    return Book(
        low=np.full(size, -np.inf),
        high=np.full(size, np.inf),
        max_step=np.full(size, np.inf),
        spike=np.full(size, np.inf),
        stuck_ms=np.full(size, NEVER, np.int64),
        rests_at=np.full(size, np.nan),
        every_ms=np.full(size, 900_000, np.int64),
        keep_ms=np.zeros(size, np.int64),
        raw_ms=np.full(size, 90 * DAY_MS, np.int64),
        rollup_ms=np.full(size, 3650 * DAY_MS, np.int64),
        rolled=np.ones(size, np.bool_),
        is_state=np.zeros(size, np.bool_),
    )


def _keep_ms(metric: Metric) -> int:
    match metric.keep:
        case Keep.ALL:
            return ALL
        case Keep.LATEST:
            return LATEST_ONLY
        case Keep.EVERY:
            return round(metric.keep_every_s * 1000)
