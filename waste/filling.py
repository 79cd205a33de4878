# SPDX-License-Identifier: Apache-2.0
"""How fast a container fills, learned from its readings, and when it will be full: a band, not a date.

Growth is a gamma process (growth in T days ~ Gamma with mean m·T and variance v·T): it never falls, and its band
narrows in relation to its length as days add up. Mean and variance come from the container's own days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from waste.level import FULL

Array = NDArray[np.float64]
DROP = 25.0  # points, held for two readings: an emptying; less is settling or noise
SATURATED = 99.0
FEW_DAYS = 7.0
LEAST_RATE, LEAST_VARIATION = 0.5, 0.15
FARTHEST_H = 21 * 24


@dataclass(frozen=True, slots=True)
class Filling:
    """Mean % a day and its variance a day; `days` observed. `is_own` is False when others stand in for it."""

    mean: float
    variance: float
    days: float
    is_own: bool

    @property
    def words(self) -> str:
        if self.is_own:
            return f"fills {self.mean:.0f} % a day"
        return f"only {self.days:.0f} days of readings: similar containers stand in, {self.mean:.0f} % a day"


@dataclass(frozen=True, slots=True)
class Band:
    """Hours until full: the earliest in 10 %, the middle, the latest in 10 % of cases; None beyond three weeks."""

    early_h: float | None
    median_h: float | None
    late_h: float | None


def emptyings(fill: Array) -> list[int]:
    """Positions of the first reading after each emptying; NaN where nothing was measured."""
    known = np.flatnonzero(~np.isnan(fill))
    values = fill[known]
    found = []
    for i in range(1, len(values)):
        is_held = i + 1 == len(values) or values[i + 1] <= values[i - 1] - DROP
        if values[i - 1] - values[i] >= DROP and is_held:
            found.append(int(known[i]))
    return found


def growth(fill: Array, hours: float = 1.0) -> tuple[Array, float]:
    """(% grown in each whole day observed, days observed). Steps of `hours`; emptyings and the full are left out."""
    known = np.flatnonzero(~np.isnan(fill))
    if len(known) < 3:
        return np.empty(0), 0.0
    values = fill[known]
    rise, span = np.diff(values), np.diff(known) * hours / 24
    counts = (rise > -DROP) & (values[1:] < SATURATED) & (span < 1.0)
    day = (known[1:] * hours / 24).astype(int)
    rises = np.bincount(day[counts], weights=rise[counts])
    spans = np.bincount(day[counts], weights=span[counts])
    whole = spans >= 0.6
    return np.maximum(rises[whole] / spans[whole], 0.0), float(spans.sum())


def learn(fill: Array, hours: float = 1.0) -> Filling | None:
    """From one container's past; None when there is not even one day of it."""
    days, observed = growth(fill, hours)
    if not len(days):
        return None
    mean = max(LEAST_RATE, float(days.mean()))
    spread = float(days.var(ddof=1)) if len(days) > 2 else mean**2
    return Filling(mean, max(spread, (LEAST_VARIATION * mean) ** 2), observed, is_own=observed >= FEW_DAYS)


def learn_all(fills: Sequence[Array], hours: float = 1.0) -> list[Filling | None]:
    """Containers with few days lean on the others, and their band is twice as wide. None only where nobody has any."""
    own = [learn(fill, hours) for fill in fills]
    sure = [found for found in own if found is not None and found.is_own]
    if not sure:
        return own
    mean = float(np.median([found.mean for found in sure]))
    variance = float(np.median([found.variance for found in sure])) + float(np.var([found.mean for found in sure]))
    return [found if found is not None and found.is_own else _leaning(found, mean, variance) for found in own]


def _leaning(found: Filling | None, mean: float, variance: float) -> Filling:
    days = found.days if found else 0.0
    weight = days / (days + FEW_DAYS)
    return Filling(weight * (found.mean if found else 0.0) + (1 - weight) * mean, 2 * variance, days, is_own=False)


def chance(level: float, filling: Filling, hours: float | Array) -> Array:
    """Probability that a container at `level` % is full within `hours` of that reading."""
    days = np.maximum(np.asarray(hours, np.float64), 0.0) / 24
    room = FULL - level
    if room <= 0:
        return np.ones_like(days)
    shape = np.maximum(days * filling.mean**2 / filling.variance, 1e-9)
    return np.asarray(gammaincc(shape, room * filling.mean / filling.variance))


def time_to_full(level: float, age_h: float, filling: Filling) -> Band:
    """The band from now, for a level read `age_h` hours ago."""
    hours = np.arange(0.0, FARTHEST_H + 1.0)
    risk = np.maximum.accumulate(chance(level, filling, hours + age_h))
    return Band(*(_when(risk, hours, share) for share in (0.1, 0.5, 0.9)))


def _when(risk: Array, hours: Array, share: float) -> float | None:
    at = int(np.searchsorted(risk, share))
    if at >= len(hours):
        return None
    if at == 0:
        return 0.0
    return round(float(np.interp(share, risk[at - 1 : at + 1], hours[at - 1 : at + 1])), 1)
