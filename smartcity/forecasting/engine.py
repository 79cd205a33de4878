# SPDX-License-Identifier: Apache-2.0
"""From histories to forecasts: the backtest shares each series out among methods, seasonal naive guards, words say why.

`calibrate` is the costly half (once a city day), `issue` the cheap one (every city hour); `forecast` does both for one.
Nothing in a history makes them raise: the mix → those of it that answer → seasonal naive → last value → nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smartcity.forecasting import backtest, explain, intervals, quantiles
from smartcity.forecasting.beside import Beside
from smartcity.forecasting.clean import clean
from smartcity.forecasting.forecast import Basis, Forecast
from smartcity.forecasting.methods import METHODS, MIX
from smartcity.forecasting.mixture import mixed
from smartcity.forecasting.ranking import Standing, by_step, contest, day_steps, levels_of
from smartcity.forecasting.series import Array, Flags, History, Panel, coarser, panel
from smartcity.kernel.forecasts import Target

MEMORY_CYCLES = 8
FEWEST = 3


def forecast(
    history: History, target: Target, methods: Sequence[str], now_ms: int, beside: Beside | None = None
) -> Forecast:
    """One series, from nothing to a band with a note."""
    standings = calibrate([history], target, methods, now_ms, beside)
    return issue([history], target, standings, now_ms, beside)[0]


def calibrate(
    histories: Sequence[History], target: Target, methods: Sequence[str], now_ms: int, beside: Beside | None = None
) -> list[Standing]:
    """Backtest every method that a series is long enough for and rank them, in the order of `histories`."""
    standings = [Standing() for _ in histories]
    for rows, known in _groups(histories, target, now_ms, beside):
        for row, standing in zip(rows, contest(known, target, methods), strict=True):
            standings[row] = standing
    return standings


def issue(
    histories: Sequence[History],
    target: Target,
    standings: Sequence[Standing],
    now_ms: int,
    beside: Beside | None = None,
) -> list[Forecast]:
    """A forecast for each history, in order."""
    issued: dict[int, Forecast] = {}
    for rows, known in _groups(histories, target, now_ms, beside):
        issued |= zip(rows, _issue(known, target, [standings[row] for row in rows], now_ms), strict=True)
    return [issued[row] for row in range(len(histories))]


def memory_steps(target: Target) -> int:
    """How far back a forecast looks: eight of the longest season."""
    return MEMORY_CYCLES * max((*target.seasons_steps, target.horizon_steps))


def _groups(
    histories: Sequence[History], target: Target, now_ms: int, beside: Beside | None
) -> list[tuple[list[int], Panel]]:
    """Series whose known past is about equally long, cut to that length, so that a batch is a rectangle of data."""
    if not histories:
        return []
    same_step = [coarser(one, target.step_s) for one in histories]
    whole = panel(same_step, now_ms=now_ms, steps=memory_steps(target), beside=beside)
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
    values, used = _shared(usable, target, standings, levels)
    _stand_in(values, used, usable, target, standings, levels)
    wanted = values[:, [levels.index(level) for level in sorted(target.levels)]]
    beside = explain.beside(usable, target)
    return [
        _worded(usable, row, wanted[row], tuple(used[row]), standings[row], repairs.words(row), beside, target, now_ms)
        for row in range(len(values))
    ]


def _shared(
    usable: Panel, target: Target, standings: Sequence[Standing], levels: tuple[float, ...]
) -> tuple[Array, list[list[str]]]:
    """Each series by all methods that have a share and a sane answer: values `[n, L, H]` (NaN if none) and names."""
    horizon = target.horizon_steps
    told = np.full((len(METHODS), len(usable.values), len(levels), horizon), np.nan)
    shares = np.zeros((len(METHODS), len(usable.values), horizon))
    used: list[list[str]] = [[] for _ in standings]
    for place, name in enumerate(METHODS):
        rows = [row for row, one in enumerate(standings) if name in one.parts]
        for row, band in _attempts(name, rows, usable, target, levels):
            told[place, row] = quantiles.orderly(band, target.low, target.high)
            shares[place, row] = by_step(standings[row].parts[name], day_steps(target), horizon)
            used[row].append(name)
    width = np.array([one.asked * one.width for one in standings])[:, None, None]
    values = quantiles.orderly(intervals.stretch(mixed(told, shares, levels), levels, width), target.low, target.high)
    answered: Flags = np.asarray(np.isfinite(values).all(axis=(1, 2)))
    return values, [names if ok else [] for names, ok in zip(used, answered, strict=True)]


def _stand_in(
    values: Array,
    used: list[list[str]],
    usable: Panel,
    target: Target,
    standings: Sequence[Standing],
    levels: tuple[float, ...],
) -> None:
    """Fill the rows that no method with a share could answer, by the next on their ladder that can."""
    for rung in range(1, max(len(one.ladder) for one in standings)):
        for name in METHODS:
            rows = [
                row
                for row, one in enumerate(standings)
                if not used[row] and rung < len(one.ladder) and one.ladder[rung] == name
            ]
            for row, band in _attempts(name, rows, usable, target, levels):
                values[row], used[row] = quantiles.orderly(band, target.low, target.high), [name]


def _attempts(
    name: str, rows: Sequence[int], usable: Panel, target: Target, levels: tuple[float, ...]
) -> list[tuple[int, Array]]:
    """The sane answers of one method for these rows."""
    if not rows:
        return []
    bands = backtest.attempt(METHODS[name], usable.rows(rows), target, levels)
    return [(row, band) for row, band in zip(rows, bands, strict=True) if _is_sane(band, usable.values[row])]


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
    used: tuple[str, ...],
    standing: Standing,
    repaired: str,
    beside: str,
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
        method=_name(used) if basis is not Basis.NOTHING else "",
        basis=basis,
        note=" ".join(
            part for part in (said, beside if explain.heeds(used) else "", repaired if len(seen) else "") if part
        ),
        skill=standing.skill if basis is Basis.MODEL else None,
    )


def _name(used: tuple[str, ...]) -> str:
    return used[0] if len(used) == 1 else MIX


def _basis(seen: Array, used: tuple[str, ...], standing: Standing) -> Basis:
    if len(seen) < FEWEST or not used:
        return Basis.NOTHING
    if seen.min() == seen.max():
        return Basis.FLATLINE
    return Basis.MODEL if set(used) == set(standing.parts) and standing.windows else Basis.FALLBACK
