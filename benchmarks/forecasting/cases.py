# SPDX-License-Identifier: Apache-2.0
"""What is asked: series of one family from one origin at once, what was known then and what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.forecasting.sets import Sample
from smartcity.forecasting import scores
from smartcity.forecasting.clean import clean
from smartcity.forecasting.series import Array, History, Panel
from smartcity.kernel.forecasts import Target

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
CYCLES = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """`pasts[n]` end at `now_ms` (moved there: they need not be of one year); `truth[n, H]`, MASE `scale[n]`."""

    names: tuple[str, ...]
    group: str
    target: Target
    pasts: tuple[History, ...]
    now_ms: int
    truth: Array
    scale: Array


def rolling(samples: Sequence[Sample], target: Target, origins: int, *, every: int = 1) -> list[Batch]:
    """The last `origins` horizons of each series, closer together where it is short; at most eight weeks known.

    What the engine's own cleaning calls impossible or stuck is nobody's truth, and a window that is mostly so, or a
    past whose day never differs from the day before, is left out.
    """
    long = max(target.seasons_steps)
    found: dict[tuple[str, int], list[tuple[Sample, int, Array, Array, float]]] = {}
    for sample in samples[::every]:
        own = replace(target, low=sample.low)
        usable = clean(Panel(sample.history.start_ms, target.step_s, sample.history.values[None]), own)[0].values[0]
        for place, cut in enumerate(_cuts(len(usable), target, origins)):
            past = sample.history.values[max(cut - CYCLES * long, 0) : cut]
            truth = usable[cut : cut + target.horizon_steps]
            scale = float(scores.seasonal_scale(past[None], min(target.seasons_steps))[0])
            if (
                np.isfinite(truth).sum() >= len(truth) / 2
                and np.isfinite(past[-2 * long :]).sum() >= long
                and scale > 0
            ):
                found.setdefault((sample.family, place), []).append((sample, cut, past, truth, scale))
    return [_batch(target, rows) for rows in found.values()]


def last(samples: Sequence[Sample], target: Target) -> list[Batch]:
    """GIFT-Eval's rule for short sets: the last horizon of each series, everything before it known."""
    rows = []
    for sample in samples:
        values = sample.history.values
        past, truth = values[: -target.horizon_steps], values[-target.horizon_steps :]
        scale = float(scores.seasonal_scale(past[None], min(target.seasons_steps))[0])
        rows.append((sample, len(past), past, truth, scale))
    return [_batch(target, rows)]


def _cuts(steps: int, target: Target, origins: int) -> list[int]:
    horizon, least = target.horizon_steps, 2 * max(target.seasons_steps)
    stride = min(horizon, max((steps - horizon - least) // max(origins - 1, 1), min(target.seasons_steps)))
    cuts = [steps - horizon - back * stride for back in reversed(range(origins))]
    return [cut for cut in cuts if cut >= least]


def _batch(target: Target, rows: Sequence[tuple[Sample, int, Array, Array, float]]) -> Batch:
    """All end at one instant; the day of the week they end on is the same for all, which no method here reads."""
    step_ms = target.step_s * 1000
    end = 10_000 * max(target.seasons_steps) * step_ms
    pasts = tuple(History(end - len(past) * step_ms, target.step_s, past) for _, _, past, _, _ in rows)
    return Batch(
        names=tuple(sample.name for sample, *_ in rows),
        group=rows[0][0].group,
        target=replace(target, low=rows[0][0].low),
        pasts=pasts,
        now_ms=end,
        truth=np.stack([truth for *_, truth, _ in rows]),
        scale=np.array([scale for *_, scale in rows]),
    )
