# SPDX-License-Identifier: Apache-2.0
"""Who answers: single methods and the whole engine, each on the same batches, with scores and CPU seconds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.forecasting.cases import LEVELS, Batch
from smartcity.forecasting import engine, quantiles, scores
from smartcity.forecasting.backtest import attempt
from smartcity.forecasting.clean import clean
from smartcity.forecasting.methods import METHODS, NAIVE, suited
from smartcity.forecasting.series import Array, panel
from smartcity.kernel.forecasts import Tier

AT_ONCE = 64
Column = Callable[[Batch], Array]


@dataclass(frozen=True, slots=True)
class Scores:
    """By forecast `[cases]`: errors over the MASE scale by horizon, shares inside the bands, and who it was about."""

    names: tuple[str, ...]
    groups: tuple[str, ...]
    values: dict[str, Array]
    cpu_s: float

    def of(self, chosen: Array) -> Scores:
        rows = np.flatnonzero(chosen)
        picked = {name: value[rows] for name, value in self.values.items()}
        return Scores(tuple(self.names[k] for k in rows), tuple(self.groups[k] for k in rows), picked, self.cpu_s)

    def mean(self, name: str) -> float:
        return float(scores.mean_known(self.values[name], axis=0))

    def ratio(self, other: Scores, name: str) -> float:
        """Geometric mean of this over the other where both are above zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            each = self.values[name] / other.values[name]
        usable = each[np.isfinite(each) & (each > 0)]
        return float(np.exp(np.log(usable).mean())) if len(usable) else float("nan")

    def worst(self, name: str) -> float:
        """Of the means over all forecasts of one series, the smallest."""
        by: dict[str, list[float]] = {}
        for series, value in zip(self.names, self.values[name], strict=True):
            by.setdefault(series, []).append(float(value))
        return float(min(np.nanmean(values) for values in by.values()))


def naive(season: int) -> Column:
    """Seasonal naive of one season only."""

    def answer(batch: Batch) -> Array:
        return single(NAIVE)(replace(batch, target=replace(batch.target, seasons_steps=(season,))))

    return answer


def single(name: str) -> Column:
    def answer(batch: Batch) -> Array:
        steps = max(len(past.values) for past in batch.pasts)
        known, _ = clean(panel(batch.pasts, now_ms=batch.now_ms, steps=steps), batch.target)
        band = attempt(METHODS[name], known, batch.target, LEVELS)
        return quantiles.orderly(band, batch.target.low, batch.target.high)

    return answer


def whole(tier: Tier) -> Column:
    """The engine: backtest, shares, band."""

    def answer(batch: Batch) -> Array:
        out = np.full((len(batch.pasts), len(LEVELS), batch.target.horizon_steps), np.nan)
        for start in range(0, len(out), AT_ONCE):
            pasts = batch.pasts[start : start + AT_ONCE]
            standings = engine.calibrate(pasts, batch.target, suited(tier), batch.now_ms)
            for row, one in enumerate(engine.issue(pasts, batch.target, standings, batch.now_ms), start):
                if not one.is_empty:
                    out[row] = one.values
        return out

    return answer


def measured(column: Column, batches: Sequence[Batch], horizons: Sequence[int]) -> Scores:
    began = cpu_s()
    told = [column(batch) for batch in batches]
    spent = cpu_s() - began
    values: dict[str, list[Array]] = {}
    for batch, band in zip(batches, told, strict=True):
        for hours in horizons:
            part, truth = band[..., :hours], batch.truth[:, :hours]
            with np.errstate(invalid="ignore"):
                values.setdefault(f"MASE{hours}", []).append(scores.absolute_error(part, LEVELS, truth) / batch.scale)
                values.setdefault(f"SQL{hours}", []).append(scores.quantile_loss(part, LEVELS, truth) / batch.scale)
        for share in (0.8, 0.95):
            inside = scores.coverage(band, LEVELS, batch.truth, band=share)
            values.setdefault(f"c{share * 100:.0f}", []).append(inside)
        values.setdefault("loss", []).append(scores.quantile_loss(band, LEVELS, batch.truth))
        values.setdefault("size", []).append(scores.mean_known(np.abs(batch.truth), axis=1))
    names = tuple(name for batch in batches for name in batch.names)
    groups = tuple(batch.group for batch in batches for _ in batch.names)
    return Scores(names, groups, {key: np.concatenate(parts) for key, parts in values.items()}, spent)


def cpu_s() -> float:
    """CPU seconds of this process and of the children it has waited for (Prophet's Stan runs in one)."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
