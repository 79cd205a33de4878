# SPDX-License-Identifier: Apache-2.0
"""The coming cycle said directly by the past ones: a ridge regression on seasonal lags, shrunk to one for all series.

Every step of a cycle (a day, say) is regressed on the same step of the newest cycles and of those a long season (a
week) before, on their means, and on how far the newest steps were from what was usual; the coefficients hold for a
whole cycle of the horizon. What is regressed on was known at the start, however far ahead: a day ahead looks one day
back, a week ahead seven, so errors do not pile up. Four regressions a series: the first cycle, the second, the next
two, and all later ones, each taught at the middle of its cycles. Each is shrunk towards the regression of the whole
panel, which for a short history is most of what there is to know. O(n · T · p²) for n series of T steps and p ≈ 16
features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smartcity.forecasting import quantiles, seasons
from smartcity.forecasting.beside import by_hour, columns
from smartcity.forecasting.series import Array, Flags, Panel, Single
from smartcity.kernel.forecasts import Target

COMMON = 0.5  # of one observation's size, the ridge on the panel's regression; twice that for a panel of one
SHRINK, FLOOR = 5.0, 5.0  # observations the panel's regression counts for, and how far of no size at all
COMMON_BESIDE, FLOOR_BESIDE = 0.01, 0.3  # the same for what stands beside: there is no other way to know of it
Steps = npt.NDArray[np.int64]

HALF_LIFE_CYCLES = 60.0
MOST_CYCLES = 56
DECAYS = (2.0, 6.0, 18.0)  # of 24 steps a cycle: how fast the newest anomalies fade


@dataclass(frozen=True, slots=True)
class Past:
    """Scaled cycles `[n, D, s]` ending with the newest step, gaps filled, and which were `known`; `long` in cycles.

    `beside[k, D + ahead, s]`: what moves them, the horizon included.
    """

    cycles: Array
    known: Flags
    long: int
    centre: Array
    size: Array
    beside: Array


@dataclass(frozen=True, slots=True)
class Part:
    """One regression: for cycles of the horizon `ahead`; residuals `[n, days · s]` of its teaching."""

    ahead: range
    coefficients: Array
    residuals: Array
    widened: float


@dataclass(frozen=True, slots=True)
class Model:
    past: Past
    parts: tuple[Part, ...]


def fit(panel: Panel, target: Target) -> Model:
    periods = seasons.supported(target.seasons_steps, panel.steps)
    if not periods or panel.steps < 4 * periods[0]:
        raise ValueError("direct regression needs four full cycles of a season")
    past = _past(panel, periods, target.horizon_steps)
    cycles = max(-(-target.horizon_steps // periods[0]), 1)
    parts = (range(1), range(1, 2), range(2, min(4, cycles)), range(4, cycles))
    return Model(past, tuple(_taught(past, part) for part in parts if part.start < min(part.stop, cycles)))


def predict(model: Model, horizon_steps: int, levels: Sequence[float]) -> Array:
    past = model.past
    rows, count, step = past.cycles.shape
    out = np.empty((rows, len(levels), step * (model.parts[-1].ahead.stop)))
    for part in model.parts:
        taught, spread = seasons.phase_spread(part.residuals, step, horizon=step)
        shape = quantiles.row_quantiles(part.residuals / taught, levels)
        band = shape[:, :, None] * spread[:, None, :] * part.widened
        for ahead in part.ahead:
            features = _features(past, np.array([count + ahead]), ahead)
            told = part.coefficients[:, None, :] @ features.reshape(rows, -1, step)
            out[:, :, ahead * step : (ahead + 1) * step] = told + band
    return np.asarray((out * past.size[:, :, None] + past.centre[:, :, None])[:, :, :horizon_steps])


def _past(panel: Panel, periods: tuple[int, ...], horizon: int) -> Past:
    step, rows = periods[0], len(panel.values)
    count = min(panel.steps // step, MOST_CYCLES)
    values = panel.values[:, panel.steps - count * step :]
    complete = seasons.filled(values, periods[-1] if values.shape[1] >= 2 * periods[-1] else step)
    centre = complete.mean(axis=1, keepdims=True)
    size = np.maximum(np.abs(complete - centre).mean(axis=1, keepdims=True), 1e-12)
    scaled = ((complete - centre) / size).reshape(rows, count, step)
    long = periods[-1] // step if periods[-1] % step == 0 else 1
    ahead = -(-horizon // step) * step
    seen = columns(panel.beside, panel.start_ms, panel.step_s, panel.steps, ahead).values
    flat = by_hour(seen, np.arange(panel.steps + ahead, dtype=np.float64), periods)
    beside = flat[:, panel.steps - count * step :].reshape(len(flat), count + ahead // step, step)
    return Past(scaled, np.isfinite(values).reshape(rows, count, step), long, centre, size, beside)


def _taught(past: Past, ahead: range) -> Part:
    rows, count, _ = past.cycles.shape
    lead = (ahead.start + ahead.stop - 1) // 2
    first = min(past.long, count // 2) + lead
    days = np.arange(min(max(first, lead + 1), count - 2), count)
    wanted, known = past.cycles[:, days].reshape(rows, -1), past.known[:, days].reshape(rows, -1)
    features = _features(past, days, lead).reshape(rows, -1, wanted.shape[1])
    width = features.shape[1]
    weight = np.repeat(0.5 ** ((count - 1 - days) / HALF_LIFE_CYCLES), past.cycles.shape[2]) * known
    weighted = features * weight.astype(np.float32)[:, None, :]
    gram = (weighted @ features.transpose(0, 2, 1)).astype(np.float64)
    cross = (weighted @ wanted.astype(np.float32)[:, :, None])[:, :, 0].astype(np.float64)
    observed = np.maximum(weight.sum(axis=1), 1.0)
    common = (gram / observed[:, None, None]).mean(axis=0)
    aside = np.zeros(width, np.bool_)
    aside[width - 1 - 2 * len(past.beside) : width - 1] = True
    few = np.where(aside, COMMON_BESIDE, COMMON * (1 + 1 / rows))
    shared = np.linalg.solve(common + np.diag(few), (cross / observed[:, None]).mean(axis=0))
    pull = SHRINK * (np.diag(common) + np.where(aside, FLOOR_BESIDE, FLOOR))
    coefficients = np.linalg.solve(gram + np.diag(pull), (cross + pull * shared)[:, :, None])[:, :, 0]
    residuals = wanted - (coefficients.astype(np.float32)[:, None, :] @ features)[:, 0]
    residuals[~known] = np.nan
    freedom = 1 - 0.5 * width / max(float(observed.mean()), 2 * width)
    return Part(ahead, np.asarray(coefficients), residuals, 1 / np.sqrt(max(freedom, 0.3)))


def _features(past: Past, days: Steps, ahead: int) -> Single:
    """What was known `ahead + 1` cycles before each of `days`, for every step of them: `[n, p, days, s]`."""
    cycles, long = past.cycles, past.long
    last = days - ahead - 1
    before = days - long * (-(-(ahead + 1) // long))
    season = [_cycle(cycles, before - k * long, before) for k in range(3)]
    newest, running = _cycle(cycles, last), _running_mean(cycles, last, long)
    level = [_mean(newest), _mean(running), _mean(season[0]), _mean(newest - _cycle(cycles, last - long, last))]
    shown = [newest, _cycle(cycles, last - 1), _cycle(cycles, last - 2), running, *level]
    shown += [season[0], season[1], (season[0] + season[1] + season[2]) / 3, _beside(season[0])]
    shown += _anomalies(newest, running, _cycle(cycles, last - long, last), ahead) if ahead < 2 else []
    for row in past.beside:
        now = row[days]
        shown += [(now - row[np.maximum(last, 0)])[None], (now - row[np.where(before >= 0, before, last)])[None]]
    out = np.full((len(cycles), len(shown) + 1, len(days), cycles.shape[2]), 0.5, dtype=np.float32)
    for place, one in enumerate(shown):
        out[:, place] = one
    return out


def _cycle(cycles: Array, at: Steps, instead: Steps | None = None) -> Array:
    """The cycles at these indices; those before the first are `instead`'s, or the first."""
    chosen = at if instead is None else np.where(at >= 0, at, instead)
    return np.asarray(cycles[:, np.clip(chosen, 0, cycles.shape[1] - 1)])


def _running_mean(cycles: Array, last: Steps, count: int) -> Array:
    """Mean of up to `count` cycles ending with each of `last`."""
    total = np.cumsum(np.pad(cycles, ((0, 0), (1, 0), (0, 0))), axis=1)
    begin = np.maximum(last + 1 - count, 0)
    return np.asarray((total[:, last + 1] - total[:, begin]) / (last + 1 - begin)[None, :, None])


def _mean(cycles: Array) -> Array:
    return np.asarray(cycles.mean(axis=2, keepdims=True))


def _beside(cycles: Array) -> Array:
    """Mean of the two neighbouring steps."""
    return np.asarray((np.roll(cycles, 1, axis=2) + np.roll(cycles, -1, axis=2)) / 2)


def _anomalies(newest: Array, running: Array, season: Array, ahead: int) -> list[Array]:
    """How far the last steps were from the usual, fading with the horizon; the longer the span, the more slowly."""
    step = newest.shape[2]
    away = newest - (season + running) / 2
    hours = (np.arange(step) + ahead * step) * 24 / step
    spans = (max(step // 24, 1), max(step // 8, 1), max(step // 3, 1))
    return [
        away[:, :, -span:].mean(axis=2, keepdims=True) * np.exp(-hours / decay)
        for span, decay in zip(spans, DECAYS, strict=True)
    ]
