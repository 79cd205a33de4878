# SPDX-License-Identifier: Apache-2.0
"""How wrong many pasts would have been foreseen at the same instants: what reconciling them rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from smartcity.forecasting import coherent, engine
from smartcity.forecasting.beside import Beside
from smartcity.forecasting.forecast import Forecast
from smartcity.forecasting.methods import suited
from smartcity.forecasting.ranking import Standing
from smartcity.forecasting.series import Array, History, coarser
from smartcity.kernel.forecasts import Target, Tier

DAY_MS = 86_400_000
ORIGINS, BLOCKS = 10, 8  # errors of ten past forecasts, in eight parts of the horizon each
BATCH = 48


def standings(pasts: Sequence[History], target: Target, now_ms: int, beside: Beside | None = None) -> list[Standing]:
    """What each past trusts, by the light methods' backtest."""
    methods = suited(Tier.LIGHT)
    parts = (pasts[start:stop] for start, stop in _batches(len(pasts)))
    return [one for part in parts for one in engine.calibrate(part, target, methods, now_ms, beside)]


def said(
    pasts: Sequence[History], trusted: Sequence[Standing], target: Target, at_ms: int, beside: Beside | None = None
) -> dict[int, Forecast]:
    """Forecasts from an instant, by position, of those that have something to say."""
    found: dict[int, Forecast] = {}
    for start, stop in _batches(len(pasts)):
        made = engine.issue(pasts[start:stop], target, trusted[start:stop], at_ms, beside)
        found |= {k: one for k, one in enumerate(made, start) if not one.is_empty}
    return found


def errors(
    pasts: Sequence[History], trusted: Sequence[Standing], target: Target, now_ms: int, beside: Beside | None = None
) -> Array:
    """What came less the mean that would have been said, oldest first: `[pasts, origins × blocks]`; unknown ones are 0.

    An origin knows only what was known then; which methods a past trusts is of today. Blocks, because errors of
    neighbouring steps tell the same story twice.
    """
    same = [coarser(past, target.step_s) for past in pasts]
    ahead = target.horizon_steps * target.step_s * 1000
    found = np.full((len(pasts), ORIGINS, BLOCKS), np.nan)
    for origin in range(ORIGINS):
        at_ms = now_ms - ahead - (ORIGINS - 1 - origin) * min(DAY_MS, ahead)
        for k, one in said(pasts, trusted, target, at_ms, beside).items():
            off = same[k].window(one.end_ms, one.horizon_steps) - coherent.quantile_mean(one.values, one.levels)
            parts = [part[np.isfinite(part)] for part in np.array_split(off, BLOCKS)]
            found[k, origin] = [part.mean() if len(part) else np.nan for part in parts]
    return np.asarray(np.nan_to_num(found.reshape(len(pasts), -1)))


def _batches(count: int) -> Iterator[tuple[int, int]]:
    for start in range(0, count, BATCH):
        yield start, min(start + BATCH, count)
