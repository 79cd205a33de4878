# SPDX-License-Identifier: Apache-2.0
"""How likely a forecast crosses a threshold, and which hour holds its peak. Pure, from the quantiles as issued.

One step: the distribution between the stored quantiles is linear; beyond the outermost it falls off exponentially, as
fast as the outer two show. Several steps need to know how errors go together, which quantiles do not say: a step that
came high is followed by a high one. So ranks are drawn as a Gaussian AR(1) (Pinson et al. 2009, "From probabilistic
forecasts to statistical scenarios of short-term wind power production", Wind Energy 12, 51 to 62). Its step-to-step
correlation is that of the ranks at which this series' own forecasts met what came, or, before there are enough of them,
one that halves in three hours. What holds whatever the dependence stands beside it: no less than the likeliest single
step, no more than the sum of all (Boole, Fréchet).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smartcity.forecasting.series import Array

PATHS = 2_000
SEED = 20_260_101
HALVES_IN_S = 3 * 3600
FEWEST_PAIRS = 300
MOST_ALIKE = 0.995


@dataclass(frozen=True, slots=True)
class Crossing:
    """`steps[H]`: of each step; `once`: in one of them at least; `least`, `most`: that, whatever goes together."""

    steps: Array
    once: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Peak:
    """`hours[k]`: the chance that block k of the horizon holds the highest mean; `height`: 10, 50 and 90 % of it."""

    hours: Array
    height: tuple[float, float, float]


def below(values: Array, levels: Sequence[float], y: Array | float) -> Array:
    """The chance that what comes is no more than `y`, of each step: `values[L, H]`, `y[H]` → `[H]`; NaN stays NaN."""
    grid, wanted = np.asarray(levels), np.broadcast_to(np.asarray(y, np.float64), values.shape[1:])
    step, last = np.arange(values.shape[1]), len(grid) - 1
    place = np.sum(values <= wanted, axis=0)
    left, right = np.clip(place - 1, 0, last), np.clip(place, 0, last)
    near, far = values[left, step], values[right, step]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = np.where(far > near, (wanted - near) / (far - near), 0.0)
        inner = grid[left] + share * (grid[right] - grid[left])
        under, over = _slopes(values, grid)
        low = np.where(under > 0, grid[0] * np.exp((wanted - values[0]) / under), 0.0)
        high = np.where(over > 0, 1 - (1 - grid[-1]) * np.exp((values[-1] - wanted) / over), 1.0)
    found = np.where(place == 0, low, np.where(place > last, high, inner))
    return np.where(np.isfinite(wanted), found, np.nan)


def persistence(step_s: int) -> float:
    """Step-to-step correlation where a series has no record yet."""
    return float(0.5 ** (step_s / HALVES_IN_S))


def learnt_persistence(ranks: Sequence[Array]) -> float | None:
    """The same from the ranks `[H]` at which past forecasts met what came; None with too few pairs.

    Of ranks, hence turned to that of the Gaussians behind them: ρ = 2 sin(π r / 6) (Kruskal 1958).
    """
    one = np.concatenate([rank[:-1] - 0.5 for rank in ranks] or [np.empty(0)])
    other = np.concatenate([rank[1:] - 0.5 for rank in ranks] or [np.empty(0)])
    both = np.isfinite(one) & np.isfinite(other)
    if int(both.sum()) < FEWEST_PAIRS:
        return None
    size = float(np.sqrt(np.sum(one[both] ** 2) * np.sum(other[both] ** 2)))
    alike = float(np.sum(one[both] * other[both])) / size if size > 0 else 0.0
    return float(np.clip(2 * np.sin(np.pi * alike / 6), 0.0, MOST_ALIKE))


def paths(values: Array, levels: Sequence[float], alike: float, *, low: float, high: float) -> Array:
    """`PATHS` courses `[PATHS, H]` whose steps have the distribution as issued; the same for the same forecast."""
    steps = values.shape[1]
    fresh = np.random.default_rng(SEED).standard_normal((steps, PATHS))
    ranks = np.empty((steps, PATHS))
    state = fresh[0]
    for step in range(steps):
        if step:
            state = alike * state + np.sqrt(1 - alike**2) * fresh[step]
        ranks[step, np.argsort(state)] = (np.arange(PATHS) + 0.5) / PATHS
    grid = np.asarray(levels)
    under, over = _slopes(values, grid)
    drawn = np.stack([np.interp(ranks[step], grid, values[:, step]) for step in range(steps)])
    beyond = values[-1][:, None] - over[:, None] * np.log(np.minimum((1 - ranks) / (1 - grid[-1]), 1.0))
    before = values[0][:, None] + under[:, None] * np.log(np.minimum(ranks / grid[0], 1.0))
    drawn = np.where(ranks > grid[-1], beyond, np.where(ranks < grid[0], before, drawn))
    return np.asarray(np.clip(drawn, low, high).T)


def crossing(values: Array, levels: Sequence[float], drawn: Array, above: float) -> Crossing:
    """Of `values[L, H]` as issued and the courses drawn from them."""
    steps = 1 - below(values, levels, above)
    least, most = float(steps.max()), min(float(steps.sum()), 1.0)
    once = float((drawn > above).any(axis=1).mean())
    return Crossing(steps, min(max(once, least), most), least, most)


def peak(drawn: Array, hour: npt.NDArray[np.int64]) -> Peak:
    """`hour[H]` numbers the hours 0 … k; the first of equal means counts."""
    means = np.stack([drawn[:, hour == one].mean(axis=1) for one in range(int(hour[-1]) + 1)], axis=1)
    chance = np.bincount(means.argmax(axis=1), minlength=means.shape[1]) / len(drawn)
    low, middle, high = np.quantile(means.max(axis=1), (0.1, 0.5, 0.9)).tolist()
    return Peak(chance, (low, middle, high))


def likeliest(hours: Array, share: float = 0.8) -> tuple[int, int]:
    """First and last of the shortest run of hours that together hold the peak with at least this chance."""
    total = np.concatenate([[0.0], np.cumsum(hours)])
    wanted = min(share, float(total[-1]))
    for length in range(1, len(hours) + 1):
        held = total[length:] - total[:-length]
        if held.max() >= wanted - 1e-9:
            return int(held.argmax()), int(held.argmax()) + length - 1
    return 0, len(hours) - 1


def _slopes(values: Array, grid: Array) -> tuple[Array, Array]:
    """How fast the tails fall off: e-fold lengths below the lowest and above the highest level, `[H]` each."""
    if len(grid) < 2:
        return np.zeros(values.shape[1]), np.zeros(values.shape[1])
    under = (values[1] - values[0]) / np.log(grid[1] / grid[0])
    over = (values[-1] - values[-2]) / np.log((1 - grid[-2]) / (1 - grid[-1]))
    return np.asarray(under), np.asarray(over)
