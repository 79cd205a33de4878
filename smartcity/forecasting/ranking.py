# SPDX-License-Identifier: Apache-2.0
"""Which method a series should trust: a contest on shared backtest windows that seasonal naive has to lose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartcity.forecasting import backtest, intervals, quantiles, scores, seasons
from smartcity.forecasting.clean import clean
from smartcity.forecasting.methods import METHODS, NAIVE
from smartcity.forecasting.series import Array, Panel
from smartcity.kernel.forecasts import Target

MARGIN = 0.01
FEWEST = 3
ALWAYS = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a series' methods did. `ladder`: best first, down to seasonal naive.

    `skill`: 1 − quantile loss / that of seasonal naive on the same windows, None without a backtest;
    `learnt[blocks, levels]`: see intervals.py, None when the native band is kept.
    """

    ladder: tuple[str, ...] = (NAIVE,)
    skill: float | None = None
    windows: int = 0
    learnt: Array | None = None

    @property
    def champion(self) -> str:
        return self.ladder[0]


def levels_of(target: Target) -> tuple[float, ...]:
    """The target's levels with those the arithmetic needs, ascending."""
    return tuple(sorted({*target.levels, *ALWAYS}))


def day_steps(target: Target) -> int:
    """The shortest season: the unit of blocks, windows and patience."""
    return min(target.seasons_steps, default=target.horizon_steps)


def contest(known: Panel, target: Target, methods: Sequence[str]) -> list[Standing]:
    """Rank the methods for every series of the panel; one without room for a window keeps seasonal naive."""
    day = day_steps(target)
    most = max(METHODS[name].windows for name in (NAIVE, *methods))
    at = _origins(known, target, most)
    if not at:
        return [Standing() for _ in known.values]
    levels = levels_of(target)
    truth = backtest.actual(clean(known, target)[0], at, target.horizon_steps)
    losses: dict[str, Array] = {}
    learnt: dict[str, Array | None] = {}
    for name in (NAIVE, *(name for name in methods if name != NAIVE)):
        chosen = [origin for origin in at if origin >= METHODS[name].cycles * day]
        if not chosen:
            continue
        windows = backtest.run(known, target, METHODS[name], backtest.spread(chosen, METHODS[name].windows), levels)
        own = [at.index(origin) for origin in windows.origins]
        losses[name] = np.full(truth.shape[:2], np.nan)
        losses[name][:, own] = _losses(windows.predicted, levels, truth[:, own], target)
        learnt[name] = intervals.learn(windows.predicted, levels, truth[:, own], block=day)
    return [_rank(row, losses, learnt) for row in range(len(known.values))]


def _origins(known: Panel, target: Target, count: int) -> tuple[int, ...]:
    """Windows that could learn the same seasons as the whole history; shorter ones only when there are too few."""
    longest = max(seasons.supported(target.seasons_steps, known.steps), default=0)
    at = backtest.origins(known, target, count=count, least=max(2 * longest, 8))
    return (
        at if len(at) >= FEWEST else backtest.origins(known, target, count=count, least=max(2 * day_steps(target), 8))
    )


def _losses(predicted: Array, levels: Sequence[float], truth: Array, target: Target) -> Array:
    """Quantile loss per series and window `[n, windows]`; NaN where the method failed."""
    loss = scores.quantile_loss(quantiles.orderly(predicted, target.low, target.high), levels, truth)
    return np.where(np.isfinite(predicted).all(axis=(2, 3)), loss, np.nan)


def _rank(row: int, losses: dict[str, Array], learnt: dict[str, Array | None]) -> Standing:
    ladder: list[str] = []
    for name in losses:
        beaten = (place for place, other in enumerate(ladder) if _beats(losses[name][row], losses[other][row]))
        ladder.insert(next(beaten, len(ladder)), name)
    best, naive = losses[ladder[0]][row], losses[NAIVE][row]
    both = np.isfinite(best) & np.isfinite(naive)
    band = learnt[ladder[0]]
    return Standing(
        ladder=tuple(ladder[: ladder.index(NAIVE) + 1]),
        skill=float(1 - best[both].sum() / naive[both].sum()) if naive[both].sum() > 0 else None,
        windows=int(both.sum()),
        learnt=None if band is None or not np.isfinite(band[row]).all() else band[row],
    )


def _beats(challenger: Array, leader: Array) -> bool:
    both = np.isfinite(challenger) & np.isfinite(leader)
    return bool(both.any() and challenger[both].sum() < (1 - MARGIN) * leader[both].sum())
