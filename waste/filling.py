# SPDX-License-Identifier: Apache-2.0
"""How fast a container fills, learned from its readings, and when it will be full: a band, not a date.

Growth is a gamma process (growth in T days ~ Gamma with mean m·T and variance v·T): it never falls, and its band
narrows in relation to its length as days add up. Mean and variance come from the container's own days, the newest
counting most. Where only emptyings are known (cycles.py), the band is that of past errors instead.
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
HELD_H = 12.0
SATURATED = 99.0
FEW_DAYS = 7.0
LEAST_RATE, LEAST_VARIATION = 0.5, 0.15
HALF_LIFE_DAYS = 10.0
FARTHEST_H = 21 * 24
SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Filling:
    """Mean % a day and its variance a day; `days` observed. `is_own` is False when others stand in for it.

    `ratios`, where there are any, tell the band instead of the variance: days beside the days expected, at SHARES.
    """

    mean: float
    variance: float
    days: float
    is_own: bool
    ratios: tuple[float, ...] = ()

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


def emptyings(fill: Array, hours: float = 1.0) -> list[int]:
    """Positions of the first reading after each emptying; NaN where nothing was measured. Steps of `hours`.

    A reading half a day later cannot gainsay it: by then the container may have filled again.
    """
    known = np.flatnonzero(~np.isnan(fill))
    values = fill[known]
    found = []
    for i in range(1, len(values)):
        is_last = i + 1 == len(values) or (known[i + 1] - known[i]) * hours >= HELD_H
        is_held = is_last or values[i + 1] <= values[i - 1] - DROP
        if values[i - 1] - values[i] >= DROP and is_held:
            found.append(int(known[i]))
    return found


def growth(fill: Array, hours: float = 1.0) -> tuple[Array, Array, float]:
    """(% grown in each whole day observed, how many days ago that was, days observed).

    Steps of `hours`; emptyings and the full are left out.
    """
    known = np.flatnonzero(~np.isnan(fill))
    if len(known) < 3:
        return np.empty(0), np.empty(0), 0.0
    values = fill[known]
    rise, span = np.diff(values), np.diff(known) * hours / 24
    counts = (rise > -DROP) & (values[1:] < SATURATED) & (span < 1.0)
    day = (known[1:] * hours / 24).astype(int)
    rises = np.bincount(day[counts], weights=rise[counts])
    spans = np.bincount(day[counts], weights=span[counts])
    whole = spans >= 0.6
    ago = np.asarray(len(fill) * hours / 24 - np.flatnonzero(whole), np.float64)
    return np.maximum(rises[whole] / spans[whole], 0.0), ago, float(spans.sum())


def learn(fill: Array, hours: float = 1.0) -> Filling | None:
    """From one container's past; None when there is not even one day of it."""
    days, ago, observed = growth(fill, hours)
    if not len(days):
        return None
    mean = max(LEAST_RATE, float(np.average(days, weights=0.5 ** (ago / HALF_LIFE_DAYS))))
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


def chance(level: float, filling: Filling, hours: float | Array, full: float = FULL) -> Array:
    """Probability that a container at `level` % is full (or at the level `full`) within `hours` of that reading."""
    days = np.maximum(np.asarray(hours, np.float64), 0.0) / 24
    room = full - level
    if room <= 0:
        return np.ones_like(days)
    if filling.ratios:
        return _by_errors(days * filling.mean / room, filling.ratios)
    shape = np.maximum(days * filling.mean**2 / filling.variance, 1e-9)
    return np.asarray(gammaincc(shape, room * filling.mean / filling.variance))


def _by_errors(ratio: Array, ratios: tuple[float, ...]) -> Array:
    """Share of past cycles that took at most `ratio` of the days expected; a step further out on either side none."""
    known = np.log(ratios)
    reach = np.array([2 * known[0] - known[1], *known, 2 * known[-1] - known[-2]])
    return np.interp(np.log(np.maximum(ratio, 1e-9)), reach, [0.0, *SHARES, 1.0])


def time_to_full(level: float, age_h: float, filling: Filling, full: float = FULL) -> Band:
    """The band from now, for a level read `age_h` hours ago."""
    hours = np.arange(0.0, FARTHEST_H + 1.0)
    risk = np.maximum.accumulate(chance(level, filling, hours + age_h, full))
    return Band(*(_when(risk, hours, share) for share in (0.1, 0.5, 0.9)))


def _when(risk: Array, hours: Array, share: float) -> float | None:
    at = int(np.searchsorted(risk, share))
    if at >= len(hours):
        return None
    if at == 0:
        return 0.0
    return round(float(np.interp(share, risk[at - 1 : at + 1], hours[at - 1 : at + 1])), 1)
