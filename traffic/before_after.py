# SPDX-License-Identifier: Apache-2.0
"""Two spans, or two plans over one span, compared by pairs of quarter hours, with a 95 % interval. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEEK_QUARTERS = 7 * 96
BLOCK = 8  # quarters drawn together: delays two hours apart are taken as independent, neighbours are not
DRAWS = 2000
LEAST_PAIRS = 4 * BLOCK
SEED = 20_100_412
METHOD = (
    "pairs of quarter hours, mean of their differences; 95 % interval by a moving-block bootstrap, "
    f"blocks of {BLOCK * 15} minutes, {DRAWS} draws"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Means over the pairs, and after minus before with its interval; None where there are too few pairs for one."""

    pairs: int
    before: float
    after: float
    difference: float
    low: float | None
    high: float | None

    @property
    def verdict(self) -> str:
        """`better` and `worse` (less is better) only where the interval leaves out zero."""
        if self.low is None or self.high is None:
            return "too few quarters"
        return "better" if self.high < 0 else "worse" if self.low > 0 else "no difference shown"


def by_week(before: Floats, before_quarter: Ints, after: Floats, after_quarter: Ints) -> tuple[Floats, Floats]:
    """Pairs of two spans: the mean of each quarter of the week (0 = Monday 00:00 city time) known in both.

    Mondays at eight are compared with Mondays at eight; what one span has and the other has not is left out.
    """
    first, second = _means(before, before_quarter), _means(after, after_quarter)
    known = np.isfinite(first) & np.isfinite(second)
    return first[known], second[known]


def side_by_side(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Pairs of one span in which both ran: quarters known on both sides, in order of time."""
    known = np.isfinite(before) & np.isfinite(after)
    return before[known], after[known]


def compare(before: Floats, after: Floats) -> Difference | None:
    """Of pairs in order of time. None where there is none. Deterministic: the draws have a fixed seed.

    Moving-block bootstrap (Künsch 1989, Annals of Statistics 17), percentile interval.
    """
    apart = after - before
    if not len(apart):
        return None
    low = high = None
    if len(apart) >= LEAST_PAIRS:
        draw = np.random.default_rng(SEED)
        blocks = -(-len(apart) // BLOCK)
        begins = draw.integers(0, len(apart) - BLOCK + 1, size=(DRAWS, blocks))
        rows = (begins[:, :, None] + np.arange(BLOCK)).reshape(DRAWS, -1)[:, : len(apart)]
        low, high = (float(value) for value in np.quantile(apart[rows].mean(axis=1), (0.025, 0.975)))
    return Difference(len(apart), float(before.mean()), float(after.mean()), float(apart.mean()), low, high)


def _means(values: Floats, quarter: Ints) -> Floats:
    known = np.isfinite(values)
    many = np.bincount(quarter[known], minlength=WEEK_QUARTERS)
    total = np.bincount(quarter[known], weights=values[known], minlength=WEEK_QUARTERS)
    return np.where(many > 0, total / np.maximum(1, many), np.nan)
