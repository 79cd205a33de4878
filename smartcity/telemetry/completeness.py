# SPDX-License-Identifier: Apache-2.0
"""How much of what a series should have said in each city day has come, and how much of that is usable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartcity.devices import time_zone
from smartcity.kernel.metrics import Metric
from smartcity.telemetry import buckets, read
from smartcity.telemetry.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class Completeness:
    """Columns by day: its start, readings that came, usable ones among them, and how many the interval promises.

    Days are the city's own, of 23 to 25 hours. `series` stand in the rows of n and n_good, in the order asked for.
    """

    day: Ints
    n: Ints
    n_good: Ints
    expected: Floats

    @property
    def share(self) -> Floats:
        """0 to 1, a row a series; more often than promised is no more than complete."""
        share: Floats = np.minimum(1.0, self.n_good / self.expected)
        return share


def interval_s(metric: Metric) -> float:
    """City seconds between two readings that are kept."""
    return max(metric.every_s, metric.keep_every_s)


def of_days(series_ids: Sequence[int], interval: float, from_ms: int, to_ms: int) -> Completeness:
    """Of the days that begin in [from_ms, to_ms), for series of one interval in seconds; one query a column."""
    day, n = read.grid(series_ids, "1d", from_ms, to_ms, "n")
    _, n_good = read.grid(series_ids, "1d", from_ms, to_ms, "n_good")
    zone = time_zone.city_zone()
    length_s = np.array([(buckets.end(start, "1d", zone) - start) / 1000 for start in day.tolist()])
    return Completeness(day, _counts(n), _counts(n_good), length_s / interval)


def _counts(column: Floats) -> Ints:
    return np.nan_to_num(column).astype(np.int64)
