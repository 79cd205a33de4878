# SPDX-License-Identifier: Apache-2.0
"""Prophet's model solved as a ridge regression, for many series at once, then corrected by its last residuals.

With fixed columns (piecewise-linear trend, Fourier terms) Prophet's MAP estimate is
`beta = (X'WX + Λ)⁻¹ X'Wy` (Taylor & Letham 2018 with Gaussian priors), so series that share their instants share one
factorisation. Weights W halve every `HALF_LIFE_CYCLES` of the longest season. What the regression leaves is itself
predictable for some hours: step h gets `a_h · mean(last hour) + b_h · mean(last day)` of the residuals, the pair
(a_h, b_h) fitted per series and step from cross-correlations.
Gaps are filled with fitted values and the fit repeated, which converges to the regression without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft, linalg

from smartcity.forecasting import quantiles, seasons
from smartcity.forecasting.beside import by_hour, columns
from smartcity.forecasting.series import Array, Panel, Single
from smartcity.kernel.forecasts import Target

HALF_LIFE_CYCLES = 3.0
KNOTS = 6
ROUNDS = 4
SHRINK = 0.05
LONGEST_HARMONIC = 12


@dataclass(frozen=True, slots=True)
class Model:
    """What the design needs, coefficients `[p, n]`, residuals `[n, T]` (gaps NaN), and the undoing of the scaling.

    `beside[k, T + H]`: what moves the series.

    `widened`: how much larger errors are than residuals, for the degrees of freedom the fit has used.
    """

    steps: int
    seasons: tuple[int, ...]
    beside: Array
    coefficients: Array
    residuals: Array
    centre: Array
    size: Array
    widened: float


def fit(panel: Panel, target: Target) -> Model:
    periods = seasons.supported(target.seasons_steps, panel.steps)
    values = panel.values
    known = np.isfinite(values)
    complete = seasons.filled(values, periods[0] if periods else 1)
    centre = complete.mean(axis=1, keepdims=True)
    size = np.maximum(complete.std(axis=1, keepdims=True), 1e-12)
    scaled = ((complete - centre) / size).astype(np.float32)
    beside = columns(panel.beside, panel.start_ms, panel.step_s, panel.steps, target.horizon_steps).values
    design, solver, freedom = (
        _solver(panel.steps, periods) if not len(beside) else _solved(panel.steps, periods, beside)
    )
    coefficients = solver @ scaled.T
    gappy = np.flatnonzero(~known.all(axis=1))
    for _ in range(ROUNDS if len(gappy) else 0):
        scaled[gappy] = np.where(known[gappy], scaled[gappy], (design @ coefficients[:, gappy]).T)
        coefficients[:, gappy] = solver @ scaled[gappy].T
    residuals = np.where(known, scaled - (design @ coefficients).T, np.nan)
    widened = 1 / np.sqrt(max(freedom, 0.25))
    learnt, left = coefficients.astype(np.float64), residuals.astype(np.float64)
    return Model(panel.steps, periods, beside, learnt, left, centre, size, widened)


def predict(model: Model, horizon_steps: int, levels: Sequence[float]) -> Array:
    at = model.steps + np.arange(horizon_steps, dtype=np.float64)
    future, _ = _design(at, model.steps, model.seasons, model.beside[:, model.steps : model.steps + horizon_steps])
    correction, explained = _correction(model, horizon_steps)
    point = (future @ model.coefficients).T + correction
    season = model.seasons[0] if model.seasons else 1
    past, spread = seasons.phase_spread(model.residuals, season, horizon=horizon_steps)
    shape = quantiles.row_quantiles(model.residuals / past, levels)
    spread = spread * model.widened * np.sqrt(np.maximum(1 - explained, 0.05))
    scaled = point[:, None, :] + shape[:, :, None] * spread[:, None, :]
    return np.asarray(scaled * model.size[:, :, None] + model.centre[:, :, None])


@lru_cache(maxsize=10)
def _solver(steps: int, periods: tuple[int, ...]) -> tuple[Single, Single, float]:
    """Of series beside which nothing stands: a backtest's windows are of the same lengths batch after batch.

    At most 5 MB each, for eight weeks of quarters.
    """
    return _solved(steps, periods, np.empty((0, steps)))


def _solved(steps: int, periods: tuple[int, ...], beside: Array) -> tuple[Single, Single, float]:
    """Design `[T, p]`, solver `[p, T]` that takes values to coefficients, and the share of freedom the fit leaves."""
    design, penalty = _design(np.arange(steps, dtype=np.float64), steps, periods, beside[:, :steps])
    weight = 0.5 ** (np.arange(steps)[::-1] / (HALF_LIFE_CYCLES * (periods[-1] if periods else steps)))
    weighted = design * weight[:, None]
    solver = linalg.cho_solve(linalg.cho_factor(design.T @ weighted + np.diag(penalty)), weighted.T)
    freedom = 1 - float(np.sum(solver * design.T)) / float(weight.sum())
    return design.astype(np.float32), solver.astype(np.float32), freedom


def _design(at: Array, steps: int, periods: tuple[int, ...], beside: Array) -> tuple[Array, Array]:
    """Columns at step indices `at` and their ridge penalties, in units of observations of standardised values."""
    time = at / steps
    shown, penalty = [np.ones(len(at)), time - 1.0], [1e-6, 0.05 * steps / 10]
    for knot in np.arange(1, KNOTS + 1) / (KNOTS + 2):
        shown.append(np.maximum(time - knot, 0.0) - np.maximum(1.0 - knot, 0.0))
        penalty.append(0.15 * steps)
    for frequency, prior in _harmonics(periods):
        angle = 2 * np.pi * frequency * at
        shown += [np.cos(angle), np.sin(angle)]
        penalty += [prior, prior]
    for row, plain in zip(by_hour(beside, at, periods), (True, False, False) * len(beside), strict=True):
        shown.append(row)
        penalty.append(2.0 if plain else 6.0)
    return np.stack(shown, axis=1), np.asarray(penalty)


def _harmonics(periods: tuple[int, ...]) -> list[tuple[float, float]]:
    """(cycles per step, penalty): harmonics of each season, those near a harmonic of a shorter season easier."""
    found: dict[float, float] = {}
    for period in periods:
        for order in range(1, _orders(period, periods) + 1):
            easy = 3.0 if period == periods[0] else 40.0
            found.setdefault(round(order / period, 12), easy * (1 + (order * periods[0] / period) ** 2 / 8))
    return sorted(found.items())


def _orders(period: int, periods: tuple[int, ...]) -> int:
    """Twelve harmonics of the shortest season; of longer ones enough to let six of those differ from cycle to cycle."""
    if period == periods[0]:
        return min(LONGEST_HARMONIC, (period - 1) // 2)
    return int(min(6 * period // periods[0] + period // periods[0] // 2, (period - 1) // 2, 60))


def _correction(model: Model, horizon: int) -> tuple[Array, Array]:
    """What the last residuals say about each step: (correction [n, H], share of variance explained [n, H]).

    The normal equations of regressing r(t + h) on two trailing means need only the autocovariance of r.
    """
    residuals = np.where(np.isfinite(model.residuals), model.residuals, 0.0)
    day = model.seasons[0] if model.seasons else max(model.steps // 4, 1)
    widths = (max(day // 24, 1), day)
    covariance = _autocovariance(residuals, horizon + day)
    cross = np.stack([_ahead(covariance, width, horizon) for width in widths], axis=1)
    gram = np.stack([np.stack([_overlap(covariance, a, b) for b in widths], axis=1) for a in widths], axis=1)
    ridge = (SHRINK * np.trace(gram, axis1=1, axis2=2)[:, None, None] + 1e-9) * np.eye(2)
    weights = np.linalg.solve(gram + ridge, cross)
    newest = np.stack([residuals[:, -width:].mean(axis=1) for width in widths], axis=1)
    explained = np.sum(weights * cross, axis=1) / np.maximum(covariance[:, :1], 1e-12)
    return np.einsum("nj,njh->nh", newest, weights), np.clip(explained, 0.0, 0.95)


def _autocovariance(residuals: Array, lags: int) -> Array:
    """Sum of r(t)·r(t + lag) for lag 0 … `lags`: `[n, lags + 1]`, by one transform there and back."""
    length = fft.next_fast_len(residuals.shape[1] + lags, real=True)
    power = np.abs(fft.rfft(residuals, length, axis=1)) ** 2
    return np.asarray(fft.irfft(power, length, axis=1)[:, : lags + 1])


def _ahead(covariance: Array, width: int, horizon: int) -> Array:
    """Covariance of the mean of the last `width` residuals with the one h = 1 … `horizon` steps later."""
    running = np.cumsum(np.pad(covariance, ((0, 0), (1, 0))), axis=1)
    first = np.arange(1, horizon + 1)
    return np.asarray((running[:, first + width] - running[:, first]) / width)


def _overlap(covariance: Array, one: int, other: int) -> Array:
    """Covariance of two trailing means of widths `one` and `other`."""
    lags = np.abs(np.arange(one)[:, None] - np.arange(other)[None, :]).ravel()
    counts = np.bincount(lags, minlength=max(one, other)).astype(np.float64)
    return np.asarray(covariance[:, : len(counts)] @ counts / (one * other))
