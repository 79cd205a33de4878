# SPDX-License-Identifier: Apache-2.0
"""How containers fill of which only the emptyings are known: when, and how full each was.

One rule for all: a container's own recent rate, shrunk to the others', times what its last cycles say about the next.
The band is what the rule's errors were on the newest cycles it had not seen. A level of 100 % is a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from waste import filling
from waste.filling import SHARES, Filling, emptyings

Array = NDArray[np.float64]
HALF_LIVES = (14.0, 7.0, 3.0)  # days
FEW_DAYS = 2.0  # of all containers' rate in each container's own
FEWEST = 200  # cycles before a regression is better than the rate alone
TELLING = (55.0, 99.0)  # emptied emptier or at the cap, a cycle says little about when it would have been full
PENALTY = 100.0
SURE_DAYS = 7.0


@dataclass(frozen=True, slots=True)
class Cycle:
    """From one emptying to the next: instants in days, and the level in % it had reached."""

    began: float
    ended: float
    level: float

    @property
    def days(self) -> float:
        return self.ended - self.began


def of_readings(fill: Array, hours: float = 1.0) -> list[Cycle]:
    """The whole cycles between the emptyings seen in readings every `hours` (NaN where there was none)."""
    firsts = emptyings(fill, hours)
    known = np.flatnonzero(~np.isnan(fill))
    before = {first: int(known[np.searchsorted(known, first) - 1]) for first in firsts}
    day = hours / 24
    return [
        Cycle(began * day, before[ended] * day, float(fill[before[ended]]))
        for began, ended in pairwise(firsts)
        if before[ended] > began
    ]


def learn_all(fills: Sequence[Array], hours: float = 1.0) -> list[Filling | None]:
    """How each container fills: by its days where readings show them, else by its cycles, else by others' days."""
    found = filling.learn_all(fills, hours)
    blind = [k for k, one in enumerate(found) if one is None or not one.is_own]
    pasts = {k: of_readings(fills[k], hours) for k in blind}
    rule = learn([past for past in pasts.values() if past])
    if rule is not None:
        for k, past in pasts.items():
            if past:
                found[k] = rule.foresee(past, len(fills[k]) * hours / 24)
    return found


@dataclass(frozen=True, slots=True)
class Rule:
    """What the cycles of all containers teach; `ratios` are days beside the days expected, at SHARES."""

    rate: float
    full_share: float
    weights: Array
    middle: Array
    scale: Array
    ratios: tuple[float, ...]

    def foresee(self, past: Sequence[Cycle], at: float) -> Filling:
        """The container from an emptying at `at` on, by its own cycles ended until then (none: like the others)."""
        known = [cycle for cycle in past if cycle.ended <= at]
        rate, about = _about(known, at, self.rate, self.full_share)
        days = sum(cycle.days for cycle in known)
        slower = float(self.weights[0] + (about - self.middle) / self.scale @ self.weights[1:])
        mean = rate / float(np.exp(slower))
        return Filling(mean, (0.4 * mean) ** 2, days, is_own=days >= SURE_DAYS, ratios=self.ratios)


def learn(pasts: Sequence[Sequence[Cycle]]) -> Rule | None:
    """From all containers' cycles, each container's in order of time. None without any."""
    cycles = [cycle for past in pasts for cycle in past]
    days = sum(cycle.days for cycle in cycles)
    if days <= 0:
        return None
    rate, full_share = sum(cycle.level for cycle in cycles) / days, float(np.mean([c.level >= 80 for c in cycles]))
    rows = [(cycle, *_about(past[:k], cycle.began, rate, full_share)) for past in pasts for k, cycle in enumerate(past)]
    rows = [row for row in rows if TELLING[0] <= row[0].level <= TELLING[1] and row[0].days > 0]
    rows.sort(key=lambda row: row[0].ended)
    if len(rows) < FEWEST:
        return _plain(rate, full_share, rows)
    about = np.array([row[2] for row in rows])
    expected = np.array([cycle.level / own for cycle, own, _ in rows])
    slower = np.log([cycle.days for cycle, _, _ in rows]) - np.log(expected)
    trust = np.clip(expected, 0.3, 8.0)  # a day's error is a day's error: long cycles count by their length
    held = len(rows) * 2 // 3
    errors = slower[held:] - _said(about[held:], *_fit(about[:held], slower[:held], trust[:held]))
    ratios = tuple(float(value) for value in np.exp(np.quantile(errors - np.median(errors), SHARES)))
    return Rule(rate, full_share, *_fit(about, slower, trust), ratios)


def _plain(rate: float, full_share: float, rows: list[tuple[Cycle, float, Array]]) -> Rule:
    """Too few cycles to learn from: each container's own rate, and a wide band (Edinburgh's, twice as wide)."""
    size = len(_about((), 0.0, rate, full_share)[1])
    z = np.array([-1.64, -1.28, -0.84, -0.52, -0.25, 0.0, 0.25, 0.52, 0.84, 1.28, 1.64])
    return Rule(rate, full_share, np.zeros(size + 1), np.zeros(size), np.ones(size), tuple(np.exp(0.8 * z).tolist()))


def _about(past: Sequence[Cycle], at: float, rate: float, full_share: float) -> tuple[float, Array]:
    """The container's own rate in % a day, and what its past says beside it."""
    ends = np.array([cycle.ended for cycle in past])
    days = np.array([cycle.days for cycle in past])
    levels = np.array([cycle.level for cycle in past])
    rates = []
    for half_life in HALF_LIVES:
        weight = 0.5 ** ((at - ends) / half_life)
        rates.append(float((weight @ levels + FEW_DAYS * rate) / (weight @ days + FEW_DAYS)))
    own, weight = rates[0], 0.5 ** ((at - ends) / HALF_LIVES[0])
    seen = weight.sum() + 2.0
    usual = [weight @ ((levels >= 80) - full_share) / seen, weight @ (levels - 77.0) / seen]
    pace = np.clip(np.log(np.clip(levels, 5.0, 100.0) / np.maximum(days, 0.01) / own), -1.5, 1.5)
    about = [np.log(own), *np.log(np.array(rates[1:]) / own), np.log1p(len(past)), *usual, weight @ pace / seen]
    for back in (1, 2, 3):
        has = len(past) >= back
        last = np.log(max(days[-back], 0.01) * own / 80.0) if has else 0.0
        about += [pace[-back] if has else 0.0, float(not has), float(has and levels[-back] >= TELLING[1]), last]
    return own, np.array(about)


def _fit(about: Array, slower: Array, trust: Array) -> tuple[Array, Array, Array]:
    """Ridge for the least absolute error, by reweighting (Schlossmacher 1973): weights, middle, scale."""
    middle, scale = about.mean(axis=0), about.std(axis=0) + 1e-9
    design = np.column_stack([np.ones(len(about)), (about - middle) / scale])
    penalty = PENALTY * np.diag([0.0] + [1.0] * about.shape[1])
    weights, weight = np.zeros(design.shape[1]), trust
    for _ in range(20):
        weights = np.linalg.solve(design.T @ (weight[:, None] * design) + penalty, design.T @ (weight * slower))
        weight = trust / np.maximum(np.abs(slower - design @ weights), 0.05)
    return weights, middle, scale


def _said(about: Array, weights: Array, middle: Array, scale: Array) -> Array:
    return np.asarray(weights[0] + (about - middle) / scale @ weights[1:])
