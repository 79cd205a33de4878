# SPDX-License-Identifier: Apache-2.0
"""A batch of the city's series with what stands beside each: holidays for all, the weather a target asks for, events.

The engine is told one set of columns for a batch, and events have places; so the batch is cut by which events touch a
series. A kind of event that has never ended in the history teaches nothing: what an operator expects of it is put on
top of the forecast instead, with a wider band.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from django.conf import settings

from smartcity.devices import time_zone
from smartcity.forecasting import engine, events, weather
from smartcity.forecasting.beside import Beside, Events, Holidays, Remembered, Together
from smartcity.forecasting.forecast import Forecast
from smartcity.forecasting.models import Event
from smartcity.forecasting.ranking import Standing
from smartcity.forecasting.series import Array, History
from smartcity.kernel.forecasts import Target

UNSURE = 0.5  # of what is expected: so far off an operator's figure may well be, in the 80 % band


@dataclass(frozen=True, slots=True)
class Part:
    """Places in the batch (`rows`) that are touched by the same events."""

    rows: tuple[int, ...]
    beside: Beside | None
    events: tuple[Event, ...]
    words: str
    quantities: frozenset[str]

    def weather(self, told: Forecast) -> str:
        """That it is left out, or of when it is; the latter says nothing to a forecast that it did not go into."""
        return self.words if not self.quantities or any(one in told.note for one in self.quantities) else ""


@dataclass(frozen=True, slots=True)
class Sky:
    """What stands beside all series of a target alike. Worked out once, and asked by all batches: it remembers."""

    beside: Beside | None
    words: str
    quantities: frozenset[str]


def sky(target: Target, now_ms: int) -> Sky:
    """Weather and holidays, which are the same all over the city. At most two queries."""
    weathers, words = weather.beside(target.weather, now_ms)
    names = frozenset(name for one in weathers for name in one.names)
    return Sky(_together([*weathers, *_holidays()]), words, names)


def calibrate(
    series: Sequence[int],
    histories: Sequence[History],
    target: Target,
    methods: Sequence[str],
    now_ms: int,
    over: Sky | None = None,
) -> list[Standing]:
    """engine.calibrate, with what stands beside each series."""
    found: dict[int, Standing] = {}
    for part in parts(series, target, now_ms, over):
        mine = [histories[row] for row in part.rows]
        found |= zip(part.rows, engine.calibrate(mine, target, methods, now_ms, part.beside), strict=True)
    return [found[row] for row in range(len(series))]


def issue(
    series: Sequence[int],
    histories: Sequence[History],
    target: Target,
    standings: Sequence[Standing],
    now_ms: int,
    over: Sky | None = None,
) -> list[Forecast]:
    """engine.issue, with what stands beside each series."""
    found: dict[int, Forecast] = {}
    for part in parts(series, target, now_ms, over):
        mine = [histories[row] for row in part.rows]
        told = engine.issue(mine, target, [standings[row] for row in part.rows], now_ms, part.beside)
        found |= {
            row: _said(_expected(one, history, target, part.events), part.weather(one))
            for row, one, history in zip(part.rows, told, mine, strict=True)
        }
    return [found[row] for row in range(len(series))]


def parts(series: Sequence[int], target: Target, now_ms: int, over: Sky | None = None) -> list[Part]:
    """The batch cut by what touches its series: in one piece where no event is near.

    One query, another where an event is; the sky's, where it is not handed `over`.
    """
    over = over or sky(target, now_ms)
    from_ms = now_ms - engine.memory_steps(target) * target.step_s * 1000
    near = list(events.standing(from_ms, now_ms + (target.horizon_steps + 1) * target.step_s * 1000).order_by("pk"))
    if not near:
        return [Part(tuple(range(len(series))), over.beside, (), over.words, over.quantities)]
    by_touch: dict[tuple[Event, ...], list[int]] = defaultdict(list)
    places = events.places(series)
    for row, pk in enumerate(series):
        by_touch[tuple(one for one in near if pk in places and events.touches(one, places[pk]))].append(row)
    return [
        Part(tuple(rows), _with(over.beside, _taught(touch, from_ms, now_ms)), touch, over.words, over.quantities)
        for touch, rows in by_touch.items()
    ]


def around(target: Target, now_ms: int) -> tuple[str, ...]:
    """What series of a target are foreseen with, whatever their place. At most two queries."""
    found = sky(target, now_ms).beside
    return tuple(dict.fromkeys(found.names)) if found else ()


def of_one(series: int, target: Target, now_ms: int) -> Beside | None:
    """What stands beside one series. At most five queries."""
    return parts([series], target, now_ms)[0].beside


def _holidays() -> list[Beside]:
    if not settings.HOLIDAYS:
        return []
    country, _, region = settings.HOLIDAYS.partition("-")
    return [Holidays(country, time_zone.city_zone(), region or None)]


def _taught(touching: Sequence[Event], from_ms: int, now_ms: int) -> list[Beside]:
    """Columns of the kinds that have ended at least once since `from_ms`."""
    known = {one.kind for one in touching if _taught_by(one, from_ms, now_ms)}
    windows = tuple(events.window(one) for one in touching if one.kind in known)
    return [Events(windows)] if windows else []


def _taught_by(event: Event, from_ms: int, now_ms: int) -> bool:
    return from_ms < event.end <= now_ms and events.window(event).was_known(now_ms)


def _with(beside: Beside | None, more: Sequence[Beside]) -> Beside | None:
    return _together([*([beside] if beside else []), *more])


def _together(around: Sequence[Beside]) -> Beside | None:
    return Remembered(Together(tuple(around))) if around else None


def _expected(told: Forecast, history: History, target: Target, touching: Sequence[Event]) -> Forecast:
    """What operators expect of kinds of events that the history does not know."""
    if told.is_empty or not touching:
        return told
    now_ms, known = told.issued_at_ms, np.flatnonzero(np.isfinite(history.values))
    first_ms = history.start_ms + int(known[0]) * history.step_s * 1000 if len(known) else now_ms
    taught = {one.kind for one in touching if _taught_by(one, first_ms, now_ms)}
    middles = np.array(told.instants_ms, dtype=np.int64) + told.step_s * 500
    coming: dict[str, list[tuple[Event, Array]]] = defaultdict(list)
    for one in touching:
        effect = events.window(one).effect(middles)
        if one.kind not in taught and events.window(one).was_known(now_ms) and effect.any():
            coming[one.kind].append((one, effect))
    for kind, found in coming.items():
        told = _adjusted(told, events.KINDS.get(kind, kind), found, target)
    return told


def _adjusted(told: Forecast, kind: str, coming: Sequence[tuple[Event, Array]], target: Target) -> Forecast:
    """Scaled by what is expected, and 80 % of the time within half of the expected change more than before.

    Where several of a kind are at once, or one was entered twice, the strongest counts.
    """
    silent = [_named(one) for one, _ in coming if one.expected_percent is None]
    if silent:
        what = " and ".join(silent)
        told = _said(told, f"The history knows no {kind}, and nobody has said what to expect of {what}: left out.")
    heard = [(one, effect * one.expected_percent / 100) for one, effect in coming if one.expected_percent is not None]
    if not heard:
        return told
    changes = np.stack([change for _, change in heard])
    change = changes[np.abs(changes).argmax(axis=0), np.arange(changes.shape[1])]
    normal = NormalDist()
    spread = np.array([normal.inv_cdf(level) / normal.inv_cdf(0.9) for level in told.levels])
    doubt = spread[:, None] * (UNSURE * np.abs(change) * np.abs(told.median))[None]
    values = np.clip(told.values * np.maximum(1 + change, 0.0) + doubt, target.low, target.high)
    said = " and ".join(f"{one.owner}'s {one.expected_percent:+g} % for {_named(one)}" for one, _ in heard)
    note = f"The history knows no {kind}, so what is expected stands, with a wider band: {said}."
    return _said(replace(told, values=values), note)


def _named(event: Event) -> str:
    return f"{event.name} ({weather.clock_words(event.start)} to {weather.clock_words(event.end)})"


def _said(told: Forecast, words: str) -> Forecast:
    return replace(told, note=f"{told.note} {words}".strip()) if words and not told.is_empty else told
