# SPDX-License-Identifier: Apache-2.0
"""Forecasts of a tree that add up: means and quantiles, by MinT with a shrunk covariance, or bottom-up. Pure.

With base forecasts y of all nodes, W the covariance of their errors and U y = 0 the constraints (a node less the
bottoms it is made of), y − W U'(U W U')⁻¹ U y is the coherent forecast of least variance (MinT: Wickramasuriya,
Athanasopoulos & Hyndman 2019, JASA 114). W is the sample covariance shrunk to its diagonal (Schäfer & Strimmer 2005).
It is never written out: T errors of n nodes cost n·T, so thousands of series are as easy as ten. Where there are too
few errors to learn from, the shrinkage goes to 1 by itself, and MinT becomes weighted least squares.

Quantiles come from samples: each draw takes all nodes' quantiles at the ranks that their errors had at one instant of
the past, is made coherent, and every node's quantiles are those of the same draws (Jeon, Panagiotelis & Petropoulos
2019, IJF 35, for the ranks; Panagiotelis et al. 2023, EJOR 306, for reconciling draws). Steps are drawn apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array, eye_array, hstack

from smartcity.forecasting.series import Array

AT_ONCE = 2_000_000  # values of samples in memory
RIDGE = 1e-6


class Way(StrEnum):
    MINT = "mint"
    BOTTOM_UP = "bottom_up"


@dataclass(frozen=True, slots=True)
class Mint:
    """W U' and the factor of U W U', ready to make any number of forecasts coherent; `shrinkage` 0 … 1."""

    to_bottoms: csr_array
    rows: list[int]
    bottoms: list[int]
    gain: Array
    shrinkage: float

    def __call__(self, base: Array) -> Array:
        """`[nodes, …]` → the coherent bottoms `[bottoms, …]`."""
        flat = base.reshape(len(base), -1)
        gap = flat[self.rows] - self.to_bottoms[self.rows] @ flat[self.bottoms]
        return np.asarray((flat[self.bottoms] - self.gain @ gap).reshape((len(self.bottoms), *base.shape[1:])))


def mint(to_bottoms: csr_array, bottoms: Sequence[int], errors: Array) -> Mint:
    """From the errors `[nodes, T]` of base forecasts (actual − forecast)."""
    count = to_bottoms.shape[0]
    below = set(bottoms)
    rows = [k for k in range(count) if k not in below]
    spread = np.maximum(errors.std(axis=1), 1e-9 + 1e-3 * float(errors.std()))
    shrink = shrinkage(errors)
    # U = [I −S] over (sums, bottoms); W = D·(λ I + (1 − λ) X X'/T)·D with X the standardised errors; scaled = U D
    order = [*rows, *bottoms]
    scaled = csr_array(hstack([eye_array(len(rows)), -to_bottoms[rows]]).multiply(spread[order]))
    x = _standard(errors)[order]
    seen = np.asarray(scaled @ x)
    size = errors.shape[1]
    middle = shrink * (scaled @ scaled.T).toarray() + (1 - shrink) * (seen @ seen.T) / size
    middle += RIDGE * np.trace(middle) / max(len(middle), 1) * np.eye(len(middle))
    low = len(rows)
    lower = shrink * scaled[:, low:].T.toarray() + (1 - shrink) * (x[low:] @ seen.T) / size
    gain = np.zeros((len(bottoms), 0))
    if rows:
        gain = np.asarray(cho_solve(cho_factor(middle), (spread[order][low:, None] * lower).T).T)
    return Mint(to_bottoms, rows, list(bottoms), gain, shrink)


def shrinkage(errors: Array) -> float:
    """Schäfer & Strimmer's intensity for the correlations of `errors[n, T]`: Σ Var(r) / Σ r² over all pairs, in 0 … 1.

    By sums over T × T instead of n × n: Σ r² is the square of X'X, and Σ (x_i x_j)² that of its diagonal.
    """
    n, size = errors.shape
    if n < 2 or size < 3:
        return 1.0
    x = _standard(errors)
    inner = x.T @ x
    pairs_r2 = float((inner**2).sum()) / size**2 - float((((x**2).mean(axis=1)) ** 2).sum())
    squares = float((((x**2).sum(axis=0)) ** 2).sum()) - float((x**4).sum())
    variance = size / (size - 1) ** 3 * (squares - size * pairs_r2)
    return float(np.clip(variance / pairs_r2, 0.0, 1.0)) if pairs_r2 > 0 else 1.0


def _standard(errors: Array) -> Array:
    centred = errors - errors.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-12))


def choose(
    to_bottoms: csr_array, bottoms: Sequence[int], errors: Array, sizes: Array, *, learn: int
) -> tuple[Way, float]:
    """Which way to take, and MinT's error beside bottom-up's on the errors that follow the first `learn`.

    Errors add up as forecasts do, so those of coherent forecasts follow from those of the base. `sizes[nodes]` makes
    nodes comparable. Bottom-up where there is too little to judge by, and where MinT is worse.
    """
    if errors.shape[1] - learn < 2 or learn < 3:
        return Way.BOTTOM_UP, float("nan")
    known, test = errors[:, :learn], errors[:, learn:]
    tried = mint(to_bottoms, bottoms, known)
    off = [np.abs(to_bottoms @ part).mean(axis=1) / sizes for part in (tried(test), test[list(bottoms)])]
    ratio = float(off[0].mean() / max(off[1].mean(), 1e-12))
    return (Way.MINT if ratio <= 1.0 else Way.BOTTOM_UP), ratio


def quantile_mean(values: Array, levels: Sequence[float]) -> Array:
    """The mean of `[…, levels, H]` quantiles, straight between levels and flat beyond the outermost."""
    at = np.array(levels)
    edges = np.concatenate([[0.0], (at[1:] + at[:-1]) / 2, [1.0]])
    return np.asarray(np.einsum("l,...lh->...h", np.diff(edges), values))


def draws(
    base: Array,
    levels: Sequence[float],
    errors: Array,
    tree: tuple[csr_array, Sequence[int]],
    by_mint: Mint | None,
    bounds: tuple[float, float],
) -> tuple[Array, Array]:
    """Coherent means `[nodes, H]` and quantiles `[nodes, levels, H]` from the base's quantiles `[nodes, levels, H]`.

    Bottoms stay inside `bounds`, and sums are sums of those: nothing is negative that cannot be.
    """
    to_bottoms, bottoms = tree
    count, _, horizon = base.shape
    ranks = (np.argsort(np.argsort(errors, axis=1), axis=1) + 0.5) / errors.shape[1]
    means, found = np.empty((count, horizon)), np.empty((count, len(levels), horizon))
    step = max(1, AT_ONCE // max(1, count * errors.shape[1]))
    for start in range(0, horizon, step):
        part = slice(start, min(start + step, horizon))
        sampled = _at_ranks(base[:, :, part], np.asarray(levels), ranks)
        coherent = by_mint(sampled) if by_mint is not None else sampled[list(bottoms)]
        coherent = np.clip(coherent, *bounds)
        whole = np.asarray(to_bottoms @ coherent.reshape(len(coherent), -1)).reshape(count, errors.shape[1], -1)
        means[:, part] = whole.mean(axis=1)
        found[:, :, part] = np.quantile(whole, levels, axis=1).transpose(1, 0, 2)
    return means, found


def _at_ranks(band: Array, levels: Array, ranks: Array) -> Array:
    """Each node's quantiles `[n, L, H]` at its own ranks `[n, K]`: `[n, K, H]`; beyond the levels straight on."""
    right = np.clip(np.searchsorted(levels, ranks), 1, len(levels) - 1)
    share = ((ranks - levels[right - 1]) / (levels[right] - levels[right - 1]))[:, :, None]
    low = np.take_along_axis(band, (right - 1)[:, :, None], axis=1)
    high = np.take_along_axis(band, right[:, :, None], axis=1)
    return np.asarray(low + (high - low) * share)
