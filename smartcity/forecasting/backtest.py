# SPDX-License-Identifier: Apache-2.0
"""Rolling-origin backtest: at each origin a method sees a copy of what was known then, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from smartcity.forecasting.clean import clean
from smartcity.forecasting.methods import Method
from smartcity.forecasting.series import Array, Panel
from smartcity.kernel.forecasts import Target

log = logging.getLogger(__name__)

APART = 2  # short seasons from one origin to the next


@dataclass(frozen=True, slots=True)
class Windows:
    """`predicted[n, origins, levels, horizon]`; NaN where the method failed."""

    origins: tuple[int, ...]
    predicted: Array


def origins(panel: Panel, target: Target, *, count: int, least: int) -> tuple[int, ...]:
    """Up to `count` step indices, newest last, each with `least` steps before it and a short season after it.

    They lie a little more than two short seasons apart, so that all days of a week and hours of a day start some. Of a
    horizon longer than a short season the newest windows hold only the part that has come true.
    """
    day = min((*target.seasons_steps, target.horizon_steps))
    stride = APART * day + max(5 * day // 24, 1)
    newest = panel.steps - day
    found = [newest - k * stride for k in range(count)]
    return tuple(origin for origin in reversed(found) if origin >= least)


def spread(chosen: Sequence[int], count: int) -> tuple[int, ...]:
    """`count` of the chosen origins, the newest among them, evenly spread: costly methods run on fewer."""
    if len(chosen) <= count:
        return tuple(chosen)
    return tuple(chosen[round(k)] for k in np.linspace(len(chosen) - 1, 0, count, endpoint=False)[::-1])


def pasts(panel: Panel, target: Target, at: Sequence[int]) -> dict[int, Panel]:
    """What was known before each origin, cleaned by nothing that came after it."""
    return {origin: clean(panel.before(origin), target)[0] for origin in at}


def run(
    known: Mapping[int, Panel], target: Target, method: Method, at: Sequence[int], levels: Sequence[float]
) -> Windows:
    """Predict a horizon from each origin in `at`, fitting only on what was `known` then."""
    predicted = np.stack([attempt(method, known[origin], target, levels) for origin in at], axis=1)
    return Windows(tuple(at), predicted)


def actual(panel: Panel, at: Sequence[int], horizon: int) -> Array:
    """What came after each origin: `[n, origins, horizon]`, NaN where it has not come yet."""
    out = np.full((len(panel.values), len(at), horizon), np.nan)
    for index, origin in enumerate(at):
        part = panel.values[:, origin : origin + horizon]
        out[:, index, : part.shape[1]] = part
    return out


def attempt(method: Method, panel: Panel, target: Target, levels: Sequence[float]) -> Array:
    """Fit and predict `[n, levels, horizon]`; a series on which the method fails gets NaN and a line in the log.

    Numerical libraries raise whatever they like, and one bad series must not cost the others theirs: a failing batch
    is halved until the culprit is alone.
    """
    try:
        values = method.predict(method.fit(panel, target), target.horizon_steps, levels)
    except Exception as problem:
        if len(panel.values) > 1:
            half = len(panel.values) // 2
            parts = (np.arange(half), np.arange(half, len(panel.values)))
            return np.concatenate([attempt(method, panel.rows(part), target, levels) for part in parts])
        log.warning("%s failed on a series: %s", method.name, problem, exc_info=True)
        return np.full((1, len(levels), target.horizon_steps), np.nan)
    return values
