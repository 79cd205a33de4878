# SPDX-License-Identifier: Apache-2.0
"""The sentences under a forecast: which method, why this one, and what to be careful of."""

from __future__ import annotations

from collections.abc import Sequence

from smartcity.forecasting.beside import columns
from smartcity.forecasting.forecast import Basis
from smartcity.forecasting.methods import METHODS, NAIVE
from smartcity.forecasting.pinned import Pinned
from smartcity.forecasting.ranking import Standing
from smartcity.forecasting.series import Panel
from smartcity.kernel.forecasts import Target

STALE_S = 6 * 3600
HEEDING = frozenset({"closed_form", "direct_ridge"})


def beside(panel: Panel, target: Target) -> str:
    """Which of what moves the series was known, and which was not this time; empty where nothing is asked."""
    found = columns(panel.beside, panel.start_ms, panel.step_s, panel.steps, target.horizon_steps)
    said = [
        f"It reckons with {_list(found.names)}." if found.names else "",
        f"Left out, because not foreseen this time: {_list(found.missing)}." if found.missing else "",
    ]
    return " ".join(part for part in said if part)


def heeds(used: Sequence[str]) -> bool:
    """Whether one of these methods looks at what stands beside a series."""
    return bool(HEEDING & set(used))


def words(basis: Basis, used: Sequence[str], standing: Standing, readings: int, silent_s: int) -> str:
    """`readings`: usable steps in the history; `silent_s`: city seconds since the newest of them."""
    if basis is Basis.NOTHING:
        return _nothing(readings)
    said = _flat(readings) if basis is Basis.FLATLINE else _chosen(used, standing)
    if silent_s >= STALE_S:
        said += f" The newest reading is {_span(silent_s)} old."
    return said


def _nothing(readings: int) -> str:
    if readings == 0:
        return "No forecast: there is no usable reading in the history."
    return f"No forecast: {readings} usable reading{'s' if readings > 1 else ''} cannot show a pattern yet."


def _flat(readings: int) -> str:
    return f"All {readings:,} readings are equal, so the same value is shown; the sensor may be stuck."


def _chosen(used: Sequence[str], standing: Standing) -> str:
    if isinstance(standing, Pinned):
        return _wanted(used, standing)
    said = _capital(_shared(used, standing))
    if not standing.windows:
        return f"{said}: the history is too short to test methods against each other."
    missing = [METHODS[name].title for name in standing.parts if name not in used]
    if missing:
        return f"{said}, without {_list(missing)}, which gave no usable answer."
    if list(used) == [NAIVE]:
        return f"{said}: no method did better in {_windows(standing)}."
    gain = f"{standing.skill:.0%} lower loss than seasonal naive" if standing.skill is not None else "no lower loss"
    return f"{said}: {gain} in {_windows(standing)}."


def _wanted(used: Sequence[str], pinned: Pinned) -> str:
    """By a person's choice, not by backtest; seasonal naive still stands in where that gives no usable answer."""
    title = METHODS[pinned.champion].title
    if list(used) == [pinned.champion]:
        return f"{_capital(title)}, as {pinned.owner} wants it: {pinned.reason.rstrip('.')}."
    stand_in = _capital(_list([METHODS[name].title for name in used]))
    return f"{stand_in} in place of {title}, which {pinned.owner} wants but which gave no usable answer."


def _shared(used: Sequence[str], standing: Standing) -> str:
    """The method, or the methods with the mean of their shares over the horizon, the largest first."""
    if len(used) == 1:
        return METHODS[used[0]].title
    means = {name: float(share.mean()) for name, share in standing.parts.items() if name in used}
    return _list([f"{METHODS[name].title} ({mean / sum(means.values()):.0%})" for name, mean in means.items()])


def _list(said: Sequence[str]) -> str:
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def _windows(standing: Standing) -> str:
    return f"{standing.windows} past window{'s' if standing.windows > 1 else ''}"


def _span(seconds: int) -> str:
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} days"


def _capital(title: str) -> str:
    return title[0].upper() + title[1:]
