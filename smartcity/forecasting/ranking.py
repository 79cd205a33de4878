# SPDX-License-Identifier: Apache-2.0
"""How much a series should trust each method: shares by backtest, on shared windows that seasonal naive has to lose.

A share is one over the cube of a method's quantile loss beside seasonal naive's, for each cycle (day) of the horizon
apart: better than one champion where windows are few, because the best of few is often only lucky.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartcity.forecasting import backtest, intervals, quantiles, scores, seasons
from smartcity.forecasting.clean import clean
from smartcity.forecasting.methods import METHODS, NAIVE
from smartcity.forecasting.mixture import mixed
from smartcity.forecasting.series import Array, Flags, Panel
from smartcity.kernel.forecasts import Target, Tier

MARGIN = 0.01
FEWEST = 3
ALWAYS = (0.1, 0.5, 0.9)
POWER = 3.0
LEAST_SHARE = 0.1  # of at least one block, or the method is not worth its cost
BORROWED = 0.5  # of a window's mean loss, lent to each block: late blocks have few windows of their own


@dataclass(frozen=True, slots=True)
class Standing:
    """How a series' methods did. `ladder`: best first, down to seasonal naive.

    `shares[ladder, blocks]` of the forecast by cycle of the horizon, None when the first has it all; who has no share
    only stands in. `skill`: 1 − quantile loss of the mix / that of seasonal naive on the same windows, None without a
    backtest. `asked` and `width`: how much wider its band is for the backtest, and for its record (intervals.py).
    """

    ladder: tuple[str, ...] = (NAIVE,)
    skill: float | None = None
    windows: int = 0
    asked: float = 1.0
    shares: Array | None = None
    width: float = 1.0

    @property
    def champion(self) -> str:
        return self.ladder[0]

    @property
    def parts(self) -> dict[str, Array]:
        """Share by block of each method that has one, the champion first."""
        if self.shares is None:
            return {self.champion: np.ones(1)}
        return {name: row for name, row in zip(self.ladder, self.shares, strict=True) if row.any()}

    @property
    def tier(self) -> Tier:
        """Heavy where a method with a share is."""
        return Tier.HEAVY if any(METHODS[name].tier is Tier.HEAVY for name in self.parts) else Tier.LIGHT


def levels_of(target: Target) -> tuple[float, ...]:
    """The target's levels with those the arithmetic needs, ascending."""
    return tuple(sorted({*target.levels, *ALWAYS}))


def day_steps(target: Target) -> int:
    """The shortest season: the unit of blocks, windows and patience."""
    return min(target.seasons_steps, default=target.horizon_steps)


def by_step(shares: Array, block: int, horizon: int) -> Array:
    """Shares `[..., blocks]` for each step of the horizon; the last block's for what lies beyond it."""
    return np.asarray(shares[..., np.minimum(np.arange(horizon) // block, shares.shape[-1] - 1)])


def contest(known: Panel, target: Target, methods: Sequence[str]) -> list[Standing]:
    """Shares of the methods for every series of the panel; one without room for a window keeps seasonal naive."""
    at = _origins(known, target, max(METHODS[name].windows for name in (NAIVE, *methods)))
    if not at:
        return [Standing() for _ in known.values]
    levels, day = levels_of(target), day_steps(target)
    truth = backtest.actual(clean(known, target)[0], at, target.horizon_steps)
    told = _told(known, target, methods, at, levels)
    losses = np.stack([scores.step_loss(each, levels, truth) for each in told.values()])
    shares = _shares(losses, list(told).index(NAIVE), day)
    said, spread = np.stack(list(told.values())), by_step(shares, day, target.horizon_steps)[:, :, None, :]
    mix = quantiles.orderly(mixed(said, spread, levels), target.low, target.high)
    loss = scores.mean_known(scores.step_loss(mix, levels, truth), axis=2)
    naive = scores.mean_known(losses[list(told).index(NAIVE)], axis=2)
    wider, alone = intervals.asked(mix, levels, truth), intervals.asked(told[NAIVE], levels, truth)
    return [
        _standing(tuple(told), shares[:, row], loss[row], naive[row], float(wider[row]), float(alone[row]))
        for row in range(len(known.values))
    ]


def _told(
    known: Panel, target: Target, methods: Sequence[str], at: Sequence[int], levels: Sequence[float]
) -> dict[str, Array]:
    """What each method would have said at each origin, `[n, windows, levels, horizon]`; NaN where it was not tried."""
    told: dict[str, Array] = {}
    pasts = backtest.pasts(known, target, at)
    for name in dict.fromkeys((NAIVE, *methods)):
        chosen = [origin for origin in at if origin >= METHODS[name].cycles * day_steps(target)]
        if chosen:
            windows = backtest.run(pasts, target, METHODS[name], backtest.spread(chosen, METHODS[name].windows), levels)
            said = np.full((len(known.values), len(at), len(levels), target.horizon_steps), np.nan)
            said[:, [at.index(origin) for origin in windows.origins]] = windows.predicted
            said[~np.isfinite(said).all(axis=(2, 3))] = np.nan
            told[name] = quantiles.orderly(said, target.low, target.high)
    return told


def _shares(losses: Array, naive: int, day: int) -> Array:
    """`losses[m, n, windows, H]` → shares `[m, n, blocks]`, each method beside seasonal naive on its own windows."""
    both: Flags = np.asarray(np.isfinite(losses) & np.isfinite(losses[naive]), np.bool_)
    own, other = np.where(both, losses, 0.0).sum(axis=2), np.where(both, losses[naive], 0.0).sum(axis=2)
    blocks = np.arange(0, losses.shape[-1], day)
    own, other = (np.add.reduceat(part, blocks, axis=2) for part in (own, other))
    windows = np.asarray(both.any(axis=3)).sum(axis=2, keepdims=True)
    lent = BORROWED / np.maximum(windows, 1)
    own, other = (part + lent * part.mean(axis=2, keepdims=True) for part in (own, other))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where((own > 0) & (other > 0), (other / own) ** POWER, 0.0)
        share = share / share.sum(axis=0)
        share[np.nan_to_num(share).max(axis=2) < LEAST_SHARE] = 0.0
        share = share / share.sum(axis=0)
    return np.asarray(np.nan_to_num(share))


def _standing(names: Sequence[str], shares: Array, loss: Array, naive: Array, wider: float, alone: float) -> Standing:
    """Seasonal naive alone where the mix does not beat it clearly."""
    both = np.isfinite(loss) & np.isfinite(naive)
    if not (both.any() and loss[both].sum() < (1 - MARGIN) * naive[both].sum()):
        windows = int(np.isfinite(naive).sum())
        return Standing(skill=0.0 if windows and np.nansum(naive) > 0 else None, windows=windows, asked=alone)
    order = [k for k in np.argsort(-shares.mean(axis=1), kind="stable") if shares[k].any()]
    ladder = tuple(names[k] for k in order)
    kept = shares[order]
    if NAIVE not in ladder:
        ladder, kept = (*ladder, NAIVE), np.vstack([kept, np.zeros((1, kept.shape[1]))])
    return Standing(
        ladder=ladder,
        skill=float(1 - loss[both].sum() / naive[both].sum()),
        windows=int(both.sum()),
        asked=wider,
        shares=kept,
    )


def _origins(known: Panel, target: Target, count: int) -> tuple[int, ...]:
    """Windows that could learn the same seasons as the whole history; shorter ones only when there are too few."""
    longest = max(seasons.supported(target.seasons_steps, known.steps), default=0)
    at = backtest.origins(known, target, count=count, least=max(2 * longest, 8))
    return (
        at if len(at) >= FEWEST else backtest.origins(known, target, count=count, least=max(2 * day_steps(target), 8))
    )
