# SPDX-License-Identifier: Apache-2.0
"""From histories to forecasts: the backtest picks a method per series, seasonal naive guards it, words say why.

`calibrate` is the costly half (once a city day), `issue` the cheap one (every city hour); `forecast` does both for one.
Nothing in a history makes them raise: the ladder is champion → next best → seasonal naive → last value → nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smartcity.forecasting import backtest, explain, intervals, quantiles
from smartcity.forecasting.clean import Repairs, clean
from smartcity.forecasting.forecast import Basis, Forecast
from smartcity.forecasting.methods import METHODS
from smartcity.forecasting.ranking import Standing, contest, day_steps, levels_of
from smartcity.forecasting.series import Array, History, Panel, coarser, panel
from smartcity.kernel.forecasts import Target

MEMORY_CYCLES = 8
FEWEST = 3


def forecast(history: History, target: Target, methods: Sequence[str], now_ms: int) -> Forecast:
    """One series, from nothing to a band with a note."""
    return issue([history], target, calibrate([history], target, methods, now_ms), now_ms)[0]


def calibrate(histories: Sequence[History], target: Target, methods: Sequence[str], now_ms: int) -> list[Standing]:
    """Backtest every method that a series is long enough for and rank them, in the order of `histories`."""
    standings = [Standing() for _ in histories]
    for rows, known in _groups(histories, target, now_ms):
        for row, standing in zip(rows, contest(known, target, methods), strict=True):
            standings[row] = standing
    return standings


def issue(histories: Sequence[History], target: Target, standings: Sequence[Standing], now_ms: int) -> list[Forecast]:
    """A forecast for each history, in order."""
    issued: dict[int, Forecast] = {}
    for rows, known in _groups(histories, target, now_ms):
        issued |= zip(rows, _issue(known, target, [standings[row] for row in rows], now_ms), strict=True)
    return [issued[row] for row in range(len(histories))]


def memory_steps(target: Target) -> int:
    """How far back a forecast looks: eight of the longest season."""
    return MEMORY_CYCLES * max((*target.seasons_steps, target.horizon_steps))


def _groups(histories: Sequence[History], target: Target, now_ms: int) -> list[tuple[list[int], Panel]]:
    """Series whose known past is about equally long, cut to that length, so that a batch is a rectangle of data."""
    if not histories:
        return []
    whole = panel([coarser(one, target.step_s) for one in histories], now_ms=now_ms, steps=memory_steps(target))
    known = np.isfinite(whole.values)
    age = np.where(known.any(axis=1), whole.steps - np.argmax(known, axis=1), 0)
    day = day_steps(target)
    size = np.where(age < 3 * day, -age, age // day)
    return [
        (rows, whole.rows(rows).last(max(int(age[rows].max()), 1)))
        for rows in (np.flatnonzero(size == one).tolist() for one in np.unique(size))
    ]


def _issue(known: Panel, target: Target, standings: Sequence[Standing], now_ms: int) -> list[Forecast]:
    usable, repairs = clean(known, target)
    levels = levels_of(target)
    values, used = _down_the_ladder(usable, target, standings, levels)
    wanted = values[:, [levels.index(level) for level in sorted(target.levels)]]
    return [
        _worded(usable, row, wanted[row], used[row], standings[row], repairs, target, now_ms)
        for row in range(len(values))
    ]


def _down_the_ladder(
    usable: Panel, target: Target, standings: Sequence[Standing], levels: tuple[float, ...]
) -> tuple[Array, list[str]]:
    """Each series by the first method on its ladder with a sane answer: values `[n, L, H]` and names ('' if none)."""
    values = np.full((len(usable.values), len(levels), target.horizon_steps), np.nan)
    used = [""] * len(usable.values)
    for rung in range(max(len(one.ladder) for one in standings)):
        for name in METHODS:
            rows = [
                row
                for row, one in enumerate(standings)
                if not used[row] and rung < len(one.ladder) and one.ladder[rung] == name
            ]
            if not rows:
                continue
            for row, band in zip(rows, backtest.attempt(METHODS[name], usable.rows(rows), target, levels), strict=True):
                if _is_sane(band, usable.values[row]):
                    values[row], used[row] = _banded(band, target, standings[row], rung, levels), name
    return values, used


def _banded(band: Array, target: Target, standing: Standing, rung: int, levels: tuple[float, ...]) -> Array:
    """The champion gets the band its own errors taught; whoever stands in for it keeps the native one."""
    if rung == 0 and standing.learnt is not None:
        band = intervals.apply(band[None], levels, standing.learnt[None], block=day_steps(target))[0]
    return quantiles.orderly(band, target.low, target.high)


def _is_sane(band: Array, past: Array) -> bool:
    """Finite, and its middle within one range of what was ever seen: state-space fits do diverge."""
    seen = past[np.isfinite(past)]
    if not len(seen) or not np.isfinite(band).all():
        return False
    low, high = float(seen.min()), float(seen.max())
    room = max(high - low, 1e-9 * max(abs(low), abs(high), 1.0))
    middle = band[len(band) // 2]
    return bool(middle.min() >= low - room and middle.max() <= high + room)


def _worded(
    usable: Panel,
    row: int,
    values: Array,
    used: str,
    standing: Standing,
    repairs: Repairs,
    target: Target,
    now_ms: int,
) -> Forecast:
    past = usable.values[row]
    seen = past[np.isfinite(past)]
    basis = _basis(seen, used, standing)
    if basis is Basis.NOTHING:
        values = np.empty((len(target.levels), 0))
    silent = len(past) - 1 - int(np.flatnonzero(np.isfinite(past))[-1]) if len(seen) else len(past)
    said = explain.words(basis, used, standing, len(seen), silent * usable.step_s)
    return Forecast(
        issued_at_ms=now_ms,
        start_ms=usable.end_ms,
        step_s=usable.step_s,
        levels=tuple(sorted(target.levels)),
        values=values,
        method=used if basis is not Basis.NOTHING else "",
        basis=basis,
        note=" ".join(part for part in (said, repairs.words(row) if len(seen) else "") if part),
        skill=standing.skill if used == standing.champion and basis is Basis.MODEL else None,
    )


def _basis(seen: Array, used: str, standing: Standing) -> Basis:
    if len(seen) < FEWEST or not used:
        return Basis.NOTHING
    if seen.min() == seen.max():
        return Basis.FLATLINE
    return Basis.MODEL if used == standing.champion and standing.windows else Basis.FALLBACK
