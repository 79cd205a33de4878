# SPDX-License-Identifier: Apache-2.0
"""What a forecast is made of: level, day, week, what stands beside the series, and the rest. Light enough to ask for.

The methods in force are several, and some have no parts. So the past of the one series is read by a ridge regression on
a level with a slope, harmonics of the day and the week, and the columns beside it, in the metric's own unit; what the
issued median has beyond that is the rest, and the parts add up to it. The same regression says what a change of one
column would do and how sure that is: the coefficients' posterior `σ² (X'WX + Λ)⁻¹` (Bishop 2006, eq. 3.53), widened by
(1 + ρ) / (1 − ρ) because neighbouring steps err together, ρ their correlation (Bayley & Hammersley 1946).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartcity.forecasting import seasons
from smartcity.forecasting.beside import Beside, by_hour, columns
from smartcity.forecasting.series import Array, Panel
from smartcity.kernel.forecasts import Target

LEVEL, DAY, WEEK, REST = "level and trend", "day", "week", "newest readings and the rest"
WARMTH = "temperature"
OF_TEMPERATURE = ("cold", "heat", "a cold day", "a hot day")
HALF_LIFE_CYCLES = 4.0
OF_A_DAY, OF_A_DAY_IN_A_WEEK = 10, 5  # harmonics
SLOPE, EASY, STIFF = 20.0, 2.0, 6.0  # penalties, in observations of standardised values
MOST_ALIKE = 0.98


class TooShort(Exception):
    """The past cannot show a pattern yet; the message says so."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the columns of a regression are: seasons and names, `group[p]` of each column."""

    steps: int
    periods: tuple[int, ...]
    beside: tuple[str, ...]
    group: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learnt:
    """Coefficients `[p]` in the metric's unit and their covariance `[p, p]`; `ahead[H, p]` is the design to come."""

    shape: Shape
    coefficients: Array
    covariance: Array
    ahead: Array


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
    design, penalty, shape = _design(panel.steps, target.horizon_steps, periods, beside.names, beside.values)
    past, ahead = design[: panel.steps][known], design[panel.steps :]
    weight = (0.5 ** (np.arange(panel.steps)[::-1] / (HALF_LIFE_CYCLES * periods[-1])))[known]
    size = max(float(values[known].std()), 1e-12)
    inverse = np.linalg.inv(past.T @ (past * weight[:, None]) + np.diag(penalty))
    coefficients = inverse @ (past.T @ (weight * values[known] / size))
    residuals = np.full(len(values), np.nan)
    residuals[known] = values[known] / size - past @ coefficients
    spread = float(np.average(residuals[known] ** 2, weights=weight)) * _together(residuals)
    return Learnt(shape, coefficients * size, inverse * spread * size**2, ahead)


def parts(learnt: Learnt, median: Array) -> list[Part]:
    """The parts of a forecast, the first steps of the horizon that both cover; they add up to its median."""
    steps = min(len(median), len(learnt.ahead))
    median, each = median[:steps], learnt.ahead[:steps] * learnt.coefficients
    names = list(dict.fromkeys(learnt.shape.group))
    found = {name: each[:, [one == name for one in learnt.shape.group]].sum(axis=1) for name in names}
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
    """The change of the design where another future stands beside the series, `[H, p]`; its past must be the same."""
    steps = learnt.shape.steps
    panel = panel.last(steps)
    found = columns(other, panel.start_ms, panel.step_s, steps, target.horizon_steps)
    if found.names != learnt.shape.beside:
        return np.zeros(learnt.ahead.shape)
    design, _, _ = _design(steps, target.horizon_steps, learnt.shape.periods, found.names, found.values)
    return np.asarray(design[steps:] - learnt.ahead)


def as_another_day(learnt: Learnt, target: Target, ahead: Array, by_steps: int) -> Array:
    """The change of the design where the steps `ahead[H]` (bool) are like those `by_steps` later, `[H, p]`."""
    steps = learnt.shape.steps
    reach = target.horizon_steps + abs(by_steps)
    none = np.zeros((0, steps + reach))
    design, _, shape = _design(steps, reach, learnt.shape.periods, (), none)
    start = steps + np.arange(target.horizon_steps)
    moved = np.zeros(learnt.ahead.shape)
    width = len(shape.group)
    moved[:, :width] = design[start + by_steps] - design[start]
    moved[:, [name not in (DAY, WEEK) for name in learnt.shape.group]] = 0.0
    return np.where(np.asarray(ahead, np.bool_)[:, None], moved, 0.0)


def _design(
    steps: int, horizon: int, periods: tuple[int, ...], names: Sequence[str], beside: Array
) -> tuple[Array, Array, Shape]:
    """Columns `[T + H, p]`, their penalties and what they are; those beside the series come last."""
    at = np.arange(steps + horizon, dtype=np.float64)
    shown, penalty, group = [np.ones(len(at)), at / steps - 1.0], [1e-6, SLOPE], [LEVEL, LEVEL]
    for place, period in enumerate(periods):
        for order in range(1, _orders(period, periods) + 1):
            if place and order * periods[0] % period == 0:
                continue  # it is a harmonic of the day
            angle = 2 * np.pi * order * at / period
            shown += [np.cos(angle), np.sin(angle)]
            penalty += [(STIFF if place else EASY) * (1 + (order * periods[0] / period) ** 2 / 8)] * 2
            group += [WEEK if place else DAY] * 2
    for name, row in zip(names, beside, strict=True):
        for turn, wave in enumerate(by_hour(row[None], at, periods)):
            shown.append(wave)
            penalty.append(STIFF if turn else EASY)
            group.append(WARMTH if name in OF_TEMPERATURE else name)
    return np.stack(shown, axis=1), np.asarray(penalty), Shape(steps, periods, tuple(names), tuple(group))


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
