# SPDX-License-Identifier: Apache-2.0
"""Bands in the long run: a forecast a day for twenty weeks, its width following what became of those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.forecasting import sets
from benchmarks.forecasting.sets import Sample
from smartcity.forecasting import engine, intervals, quantiles, scores
from smartcity.forecasting.clean import clean
from smartcity.forecasting.methods import suited
from smartcity.forecasting.series import Array, History, Panel
from smartcity.kernel.forecasts import Target, Tier

DAYS, SCORED = 140, 91
PAST = 8 * 168
FAMILIES = {"people": 12, "home": 10, "road": 2, "building": 2, "state": 1}


def coverage(folder: Path, target: Target) -> tuple[Array, Array]:
    """Shares inside the 80 % and the 95 % band over the last thirteen weeks by series, `[series, 2]`: without a record
    and with it."""
    samples = sets.city(folder)
    least = PAST + 24 * DAYS + target.horizon_steps
    parts = []
    for family, most in FAMILIES.items():
        rows = [one for one in samples if one.family == family and len(one.history.values) >= least][:most]
        if rows:
            parts.append(_inside(rows, replace(target, low=rows[0].low)))
    return np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts])


def _inside(rows: Sequence[Sample], target: Target) -> tuple[Array, Array]:
    """Series of one family from day to day, backtested once a week, all moved to one end."""
    horizon, levels = target.horizon_steps, tuple(sorted(target.levels))
    values = np.stack([one.history.values[-(PAST + 24 * DAYS + horizon) :] for one in rows])
    truth = clean(Panel(0, 3600, values), target)[0].values
    miss, judged = [intervals.MISSES] * len(rows), [0] * len(rows)
    ended: list[tuple[int, Array]] = []
    native, kept = [], []
    for day in range(DAYS):
        cut = PAST + 24 * day
        while ended and ended[0][0] <= cut:
            for row, inside in enumerate(ended.pop(0)[1]):
                if np.isfinite(inside):
                    miss[row], judged[row] = intervals.adapt(miss[row], [1 - float(inside)]), judged[row] + 1
        pasts = [History((cut - PAST) * 3_600_000, 3600, one[cut - PAST : cut]) for one in values]
        if day % 7 == 0:
            standings = engine.calibrate(pasts, target, suited(Tier.LIGHT), cut * 3_600_000)
        told = engine.issue(pasts, target, standings, cut * 3_600_000)
        said = np.stack([one.values if not one.is_empty else np.full((len(levels), horizon), np.nan) for one in told])
        width = np.array([intervals.width(*one) for one in zip(miss, judged, strict=True)])[:, None, None]
        bands = said, quantiles.orderly(intervals.stretch(said, levels, width), target.low, target.high)
        shares = [
            np.stack([scores.coverage(band, levels, truth[:, cut : cut + horizon], band=one) for one in (0.8, 0.95)])
            for band in bands
        ]
        ended.append((cut + horizon, shares[1][0]))
        if day >= DAYS - SCORED:
            native.append(shares[0].T)
            kept.append(shares[1].T)
    return scores.mean_known(np.stack(native), axis=0), scores.mean_known(np.stack(kept), axis=0)
