# SPDX-License-Identifier: Apache-2.0
"""What a forecast is made of: level, day, week, what stands beside the series, and the rest. Light enough to ask for.

The methods in force are several, and some have no parts. So the past of the one series is read by a ridge regression on
a level with a slope, harmonics of the day and the week, and the columns beside it, in the metric's own unit; what the
issued median has beyond that is the rest, and the parts add up to it. The same regression says what a change of one
column would do and how sure that is: the coefficients' posterior `σ² (X'WX + Λ)⁻¹` (Bishop 2006, eq. 3.53), widened by
(1 + ρ) / (1 − ρ) because neighbouring steps err together, ρ their correlation (Bayley & Hammersley 1946).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smartcity.forecasting import seasons
from smartcity.forecasting.beside import Beside, by_hour, columns
from smartcity.forecasting.series import Array, Flags, Panel
from smartcity.kernel.forecasts import Target

LEVEL, DAY, WEEK, REST = "level and trend", "day", "week", "newest readings and the rest"
WARMTH = "temperature"
HALF_LIFE_CYCLES = 4.0
OF_A_DAY, OF_A_DAY_IN_A_WEEK = 10, 5  # harmonics
SLOPE, EASY, STIFF = 20.0, 2.0, 6.0  # penalties, in observations of standardised values
MOST_ALIKE = 0.98


Steps = npt.NDArray[np.int64]


class TooShort(Exception):
    """The past cannot show a pattern yet; the message says so."""


@dataclass(frozen=True, slots=True)
class Design:
    """The regression's columns over past and horizon, the `own[T + H, k]` of each step first, then those that repeat: a
    table `cycle[P, q]` and each step's `phase[T + H]` in it. `group` says which part a column belongs to, `penalty`
    its ridge in observations of standardised values; `beside` are the names of what stands beside the series."""

    own: Array
    cycle: Array
    phase: Steps
    group: tuple[str, ...]
    penalty: Array
    beside: tuple[str, ...]

    def rows(self, first: int, last: int | None = None) -> Array:
        """All columns of some steps, `[steps, k + q]`."""
        return np.concatenate([self.own[first:last], self.cycle[self.phase[first:last]]], axis=1)


@dataclass(frozen=True, slots=True)
class Learnt:
    """Coefficients `[p]` in the metric's unit and their covariance `[p, p]` after `steps` steps of past."""

    design: Design
    steps: int
    coefficients: Array
    covariance: Array

    @property
    def ahead(self) -> Array:
        """The columns to come, `[H, p]`."""
        return self.design.rows(self.steps)


@dataclass(frozen=True, slots=True)
class Part:
    """`values[H]` in the metric's unit; `share` of how the forecast moves, None where it does not."""

    name: str
    values: Array
    share: float | None


def learn(panel: Panel, target: Target) -> Learnt:
    """From a cleaned panel of one series. Raises TooShort."""
    values = panel.values[0]
    known = np.isfinite(values)
    first = int(np.argmax(known)) if known.any() else len(values)
    panel = panel.last(len(values) - first)
    values, known = panel.values[0], known[first:]
    periods = seasons.supported(target.seasons_steps, len(values))
    if not periods or int(known.sum()) < 2 * periods[0]:
        raise TooShort("Two days of readings are needed before a forecast can be taken apart.")
    beside = columns(panel.beside, panel.start_ms, panel.step_s, panel.steps, target.horizon_steps)
    design = _design(panel.steps, target.horizon_steps, periods, beside.rows, beside.values)
    weight = 0.5 ** (np.arange(panel.steps)[::-1] / (HALF_LIFE_CYCLES * periods[-1])) * known
    size = max(float(values[known].std()), 1e-12)
    scaled = np.where(known, values, 0.0) / size
    gram, right = _sums(design, weight, scaled)
    inverse = np.linalg.inv(gram + np.diag(design.penalty))
    coefficients = inverse @ right
    residuals = np.where(known, scaled - _fitted(design, coefficients, panel.steps), np.nan)
    spread = float(np.average(residuals[known] ** 2, weights=weight[known])) * _together(residuals)
    return Learnt(design, panel.steps, coefficients * size, np.asarray(inverse * (spread * size**2), np.float64))


def parts(learnt: Learnt, median: Array) -> list[Part]:
    """The parts of a forecast, the first steps of the horizon that both cover; they add up to its median."""
    ahead, group = learnt.ahead, learnt.design.group
    steps = min(len(median), len(ahead))
    median, each = median[:steps], ahead[:steps] * learnt.coefficients
    order = [name for name in (LEVEL, DAY, WEEK) if name in group]
    names = order + [name for name in dict.fromkeys(group) if name not in order]
    found = {name: each[:, [one == name for one in group]].sum(axis=1) for name in names}
    found[REST] = median - sum(found.values())
    moves = float(np.var(median))
    shares = {
        name: float(np.mean((values - values.mean()) * (median - median.mean()))) / moves if moves > 1e-12 else None
        for name, values in found.items()
    }
    return [Part(name, values, shares[name]) for name, values in found.items()]


def effect(learnt: Learnt, change: Array) -> tuple[Array, Array]:
    """What a change of the design `[H, p]` would do, `[H]`, and its standard deviation."""
    variance = np.einsum("hp,pq,hq->h", change, learnt.covariance, change)
    return change @ learnt.coefficients, np.sqrt(np.maximum(variance, 0.0))


def changed_beside(learnt: Learnt, panel: Panel, target: Target, other: Beside) -> Array:
    """The change of the columns where another future stands beside the series, `[H, p]`; its past must be the same."""
    steps, ahead = learnt.steps, learnt.ahead
    panel = panel.last(steps)
    found = columns(other, panel.start_ms, panel.step_s, steps, target.horizon_steps)
    if found.rows != learnt.design.beside:
        return np.zeros(ahead.shape)
    periods = seasons.supported(target.seasons_steps, steps)
    return np.asarray(_design(steps, target.horizon_steps, periods, found.rows, found.values).rows(steps) - ahead)


def as_another_day(learnt: Learnt, ahead: Flags, by_steps: int) -> Array:
    """The change of the columns where the steps `ahead[H]` are as those `by_steps` later, `[H, p]`."""
    design = learnt.design
    phase = design.phase[learnt.steps :]
    moved = design.cycle[(phase + by_steps) % len(design.cycle)] - design.cycle[phase]
    whole = np.concatenate([np.zeros((len(phase), design.own.shape[1])), moved], axis=1)
    return np.where(ahead[:, None], whole, 0.0)


def _design(steps: int, horizon: int, periods: tuple[int, ...], names: Sequence[str], beside: Array) -> Design:
    at = np.arange(steps + horizon)
    own, penalty, group = [np.ones(len(at)), at / steps - 1.0], [1e-6, SLOPE], [LEVEL, LEVEL]
    for name, row in zip(names, beside, strict=True):
        own += list(by_hour(row[None], at.astype(np.float64), periods))
        penalty += [EASY, STIFF, STIFF]
        group += [name] * 3
    once = np.arange(math.lcm(*periods))
    cycle = []
    for place, period in enumerate(periods):
        for order in range(1, _orders(period, periods) + 1):
            if place and order * periods[0] % period == 0:
                continue  # it is a harmonic of the day
            angle = 2 * np.pi * order * once / period
            cycle += [np.cos(angle), np.sin(angle)]
            penalty += [(STIFF if place else EASY) * (1 + (order * periods[0] / period) ** 2 / 8)] * 2
            group += [WEEK if place else DAY] * 2
    table = np.stack(cycle, axis=1) if cycle else np.zeros((len(once), 0))
    return Design(np.stack(own, axis=1), table, at % len(once), tuple(group), np.asarray(penalty), tuple(names))


def _sums(design: Design, weight: Array, scaled: Array) -> tuple[Array, Array]:
    """`X'WX` and `X'Wy` of the past. What repeats is added up by phase first: eight times fewer products, and no BLAS,
    whose threads wait for each other on a busy machine (measured: 300 ms where this takes 10)."""
    steps, size = len(weight), len(design.cycle)
    phase, own = design.phase[:steps], design.own[:steps]
    weighted = own * weight[:, None]

    def by_phase(values: Array) -> Array:
        return np.bincount(phase, weights=values, minlength=size).astype(np.float64)

    mixed = np.stack([by_phase(column) for column in weighted.T], axis=1)
    corner = np.einsum("ta,tb->ab", weighted, own)
    side = np.einsum("pa,pq->aq", mixed, design.cycle)
    inner = np.einsum("pq,pr->qr", design.cycle * by_phase(weight)[:, None], design.cycle)
    right = np.concatenate([weighted.T @ scaled, by_phase(weight * scaled) @ design.cycle])
    return np.block([[corner, side], [side.T, inner]]), right


def _fitted(design: Design, coefficients: Array, steps: int) -> Array:
    split = design.own.shape[1]
    return np.asarray(
        design.own[:steps] @ coefficients[:split] + (design.cycle @ coefficients[split:])[design.phase[:steps]]
    )


def _orders(period: int, periods: tuple[int, ...]) -> int:
    most = OF_A_DAY if period == periods[0] else OF_A_DAY_IN_A_WEEK * period // periods[0] + 3
    return min(most, (period - 1) // 2)


def _together(residuals: Array) -> float:
    """How much fewer independent errors there are than steps: (1 + ρ) / (1 − ρ)."""
    one, next_ = residuals[:-1], residuals[1:]
    both = np.isfinite(one) & np.isfinite(next_)
    power = float(np.sum(one[both] ** 2))
    alike = float(np.sum(one[both] * next_[both])) / power if power > 0 else 0.0
    alike = min(max(alike, 0.0), MOST_ALIKE)
    return (1 + alike) / (1 - alike)
