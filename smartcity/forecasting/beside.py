# SPDX-License-Identifier: Apache-2.0
"""What stands beside the series and moves them: holidays, weather, events. Always as it was known at an instant.

A backtest that is shown the weather that came learns to trust a forecast nobody had. So whoever asks says when he asks
from, and gets what had been measured by then and the newest forecast issued by then.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from scipy import linalg

from smartcity.forecasting.series import Array

HEATING_C, COOLING_C, NOTABLE_K = 15.0, 20.0, 8.0
MEMORIES_H = (6.0, 48.0)


class Beside(Protocol):
    """`names` of the columns, in the words of the note under a forecast; several may share one.

    `least`: a column that has hardly moved so far is not blown up to more than this spread asks for. Who has seen two
    warm hours in eight weeks knows nothing of a heat wave.
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def least(self) -> tuple[float, ...]: ...

    def seen(self, at_ms: int, start_ms: int, step_s: int, steps: int) -> Array:
        """`[columns, steps]` from `start_ms` on as known at `at_ms`; NaN where it was not."""
        ...


@dataclass(frozen=True, slots=True)
class Holidays:
    """One column: 1 in the steps that begin on a public holiday by the city's clock. Known at any time."""

    country: str
    zone: ZoneInfo
    region: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return ("public holidays",)

    @property
    def least(self) -> tuple[float, ...]:
        return (0.0,)

    def seen(self, at_ms: int, start_ms: int, step_s: int, steps: int) -> Array:
        import holidays  # only where forecasts are made

        first = datetime.fromtimestamp(start_ms / 1000, UTC) - timedelta(days=1)
        last = first + timedelta(seconds=step_s * steps) + timedelta(days=3)
        years = range(first.year, last.year + 1)
        free = {np.datetime64(day) for day in holidays.country_holidays(self.country, subdiv=self.region, years=years)}
        days = [
            np.datetime64(datetime.fromtimestamp(start_ms / 1000 + k * step_s, self.zone).date()) for k in range(steps)
        ]
        return np.array([[float(day in free) for day in days]])


@dataclass(frozen=True, slots=True)
class Vintage:
    """A forecast of one quantity as it was issued: `values[k]` holds from start_ms + k · step on."""

    issued_ms: int
    start_ms: int
    step_s: int
    values: Array


class Known:
    """One quantity as it was known at any instant: what was measured by then, else the newest value issued by then.

    `stale_s`: from this age on the newest forecast says nothing any more about what is to come. Looking it up costs no
    more than the steps, whatever the number of vintages (at most V × T numbers are held).
    """

    def __init__(
        self, vintages: Sequence[Vintage], *, measured: Vintage | None = None, stale_s: float = float("inf")
    ) -> None:
        self.measured, self.stale_s = measured, stale_s
        ordered = sorted(vintages, key=lambda one: one.issued_ms)
        self._issued = np.array([one.issued_ms for one in ordered], dtype=np.int64)
        step_s = min((one.step_s for one in ordered), default=3600)
        start_ms = min((one.start_ms for one in ordered), default=0)
        end_ms = max((one.start_ms + len(one.values) * one.step_s * 1000 for one in ordered), default=0)
        at = np.arange(start_ms, end_ms, step_s * 1000, dtype=np.int64)
        held, newest = np.empty((len(ordered), len(at))), np.full(len(at), np.nan)
        for row, one in enumerate(ordered):
            said = _looked_up(one, at)
            held[row] = newest = np.where(np.isfinite(said), said, newest)
        self._start_ms, self._step_s, self._held = start_ms, step_s, held

    def at(self, at_ms: int, instants: npt.NDArray[np.int64]) -> Array:
        """Its value at each of `instants` as known at `at_ms`, NaN where it was not."""
        values = np.full(len(instants), np.nan)
        newest = int(np.searchsorted(self._issued, at_ms, side="right")) - 1
        if newest >= 0:
            held = Vintage(at_ms, self._start_ms, self._step_s, self._held[newest])
            is_fresh = at_ms - int(self._issued[newest]) <= self.stale_s * 1000
            values = np.where(is_fresh | (instants < at_ms), _looked_up(held, instants), np.nan)
        if self.measured is None:
            return values
        came = np.where(instants < at_ms, _looked_up(self.measured, instants), np.nan)
        return np.where(np.isfinite(came), came, values)


@dataclass(frozen=True, slots=True)
class Temperature:
    """Outdoor air in °C as six columns: degrees below 15 and above 20, of now and of what walls of two kinds remember.

    Heating and cooling pull the same way from both ends of the scale, which no straight line can follow (degree days:
    ISO 15927-6), and a building answers to the hours and days before as much as to the hour: exponential memory of 6
    and 48 hours.
    """

    known: Known

    @property
    def names(self) -> tuple[str, ...]:
        return ("temperature",) * (2 + 2 * len(MEMORIES_H))

    @property
    def least(self) -> tuple[float, ...]:
        return (NOTABLE_K,) * len(self.names)

    def seen(self, at_ms: int, start_ms: int, step_s: int, steps: int) -> Array:
        lead = 4 * int(max(MEMORIES_H) * 3600) // step_s
        air = self.known.at(at_ms, _instants(start_ms - lead * step_s * 1000, step_s, steps + lead))
        felt = [air, *(_remembered(air, math.exp(-step_s / 3600 / hours)) for hours in MEMORIES_H)]
        return np.concatenate([_degrees(one[lead:]) for one in felt])


@dataclass(frozen=True, slots=True)
class Sunshine:
    """One column: global irradiance in W/m², which a solar roof follows."""

    known: Known

    @property
    def names(self) -> tuple[str, ...]:
        return ("sunshine",)

    @property
    def least(self) -> tuple[float, ...]:
        return (0.0,)

    def seen(self, at_ms: int, start_ms: int, step_s: int, steps: int) -> Array:
        return self.known.at(at_ms, _instants(start_ms, step_s, steps))[None]


@dataclass(frozen=True, slots=True)
class Window:
    """Something that happens, with its effect: full from start to end, growing and fading over the ramps.

    `entered_ms` and `cancelled_ms`: from when to when it was known of.
    """

    kind: str
    start_ms: int
    end_ms: int
    before_ms: int
    after_ms: int
    entered_ms: int
    cancelled_ms: int | None = None

    def was_known(self, at_ms: int) -> bool:
        return self.entered_ms <= at_ms and (self.cancelled_ms is None or at_ms < self.cancelled_ms)

    def effect(self, instants: npt.NDArray[np.int64]) -> Array:
        """0 to 1 at each instant."""
        rise = (instants - self.start_ms + self.before_ms) / self.before_ms if self.before_ms else 1.0
        fall = (self.end_ms + self.after_ms - instants) / self.after_ms if self.after_ms else 1.0
        inside = (instants >= self.start_ms - self.before_ms) & (instants < self.end_ms + self.after_ms)
        return np.where(inside, np.clip(np.minimum(rise, fall), 0.0, 1.0), 0.0)


@dataclass(frozen=True, slots=True)
class Events:
    """A column for each kind of event, so that those that were teach what those to come will do."""

    windows: tuple[Window, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({one.kind for one in self.windows}))

    @property
    def least(self) -> tuple[float, ...]:
        return (0.0,) * len(self.names)

    def seen(self, at_ms: int, start_ms: int, step_s: int, steps: int) -> Array:
        middles = _instants(start_ms, step_s, steps) + step_s * 500
        rows = {name: np.zeros(steps) for name in self.names}
        for one in self.windows:
            if one.was_known(at_ms):
                rows[one.kind] = np.maximum(rows[one.kind], one.effect(middles))
        return np.stack([rows[name] for name in self.names])


@dataclass(frozen=True, slots=True)
class Remembered:
    """The same columns, worked out once for each question: a batch asks it anew for every method."""

    of: Beside
    _kept: dict[tuple[int, int, int, int], Array] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return self.of.names

    @property
    def least(self) -> tuple[float, ...]:
        return self.of.least

    def seen(self, at_ms: int, start_ms: int, step_s: int, steps: int) -> Array:
        asked = (at_ms, start_ms, step_s, steps)
        if asked not in self._kept:
            self._kept[asked] = self.of.seen(*asked)
        return self._kept[asked]


@dataclass(frozen=True, slots=True)
class Together:
    """The columns of several."""

    parts: tuple[Beside, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.names)

    @property
    def least(self) -> tuple[float, ...]:
        return tuple(one for part in self.parts for one in part.least)

    def seen(self, at_ms: int, start_ms: int, step_s: int, steps: int) -> Array:
        return np.concatenate([part.seen(at_ms, start_ms, step_s, steps) for part in self.parts])


@dataclass(frozen=True, slots=True)
class Columns:
    """What a method may use: `values[k, T + horizon]` without gaps, each with spread 1 over the past, or less.

    `rows`: the name of each; `names`: those, each once. `missing`: what is not foreseen over the whole horizon this
    time, or was hardly known before.
    """

    names: tuple[str, ...]
    values: Array
    missing: tuple[str, ...]
    rows: tuple[str, ...] = ()


def columns(beside: Beside | None, start_ms: int, step_s: int, steps: int, horizon: int) -> Columns:
    """As known after `steps` steps from `start_ms`. A column that never differs says nothing and is left out too."""
    if beside is None:
        return Columns((), np.empty((0, steps + horizon)), ())
    seen = beside.seen(start_ms + steps * step_s * 1000, start_ms, step_s, steps + horizon)
    known = np.isfinite(seen)
    foreseen = known[:, steps:].all(axis=1) & (known[:, :steps].mean(axis=1) >= 0.8)
    spread = np.array(
        [float(row[:steps][ok].std()) if ok.any() else 0.0 for row, ok in zip(seen, known[:, :steps], strict=True)]
    )
    used = foreseen & (spread > 1e-9)
    filled = np.where(
        known,
        seen,
        np.array([row[ok].mean() if ok.any() else 0.0 for row, ok in zip(seen, known, strict=True)])[:, None],
    )
    values = filled[used] / np.maximum(spread, beside.least)[used][:, None]
    rows = tuple(name for name, is_used in zip(beside.names, used, strict=True) if is_used)
    missing = tuple(name for name in _of(beside.names, ~foreseen) if name not in rows)
    return Columns(tuple(dict.fromkeys(rows)), values, missing, rows)


def by_hour(values: Array, at: Array, periods: Sequence[int]) -> Array:
    """Each column as it is and times the first harmonic of the day, `[3 k, T]`: heat counts differently at night."""
    angle = 2 * np.pi * at / (periods[0] if periods else 1)
    return np.stack(
        [row * wave for row in values for wave in (np.ones(len(at)), np.cos(angle), np.sin(angle))]
        or [np.empty(len(at))]
    )[: 3 * len(values)]


def _of(names: Sequence[str], chosen: Array) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, is_one in zip(names, chosen, strict=True) if is_one))


def _degrees(values: Array) -> Array:
    """Degrees of cold and of heat, `[2, T]`."""
    return np.stack([np.maximum(HEATING_C - values, 0.0), np.maximum(values - COOLING_C, 0.0)])


def _remembered(values: Array, fade: float) -> Array:
    """Mean of each value and those before it, each step back counting `fade` times as much.

    NaN where the value itself or half of what counts is unknown: a forecast that never came must not seem half known.
    """
    known = np.isfinite(values)
    summands = np.stack([np.where(known, values, 0.0), known], axis=1)
    bands = np.stack([np.ones(len(values)), np.full(len(values), -fade)])  # sum(t) - fade · sum(t - 1) = summand(t)
    total, weight = linalg.solve_banded((1, 0), bands, summands).T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known & (weight * (1 - fade) >= 0.5), total / weight, np.nan)


def _instants(start_ms: int, step_s: int, steps: int) -> npt.NDArray[np.int64]:
    return start_ms + np.arange(steps, dtype=np.int64) * step_s * 1000


def _looked_up(vintage: Vintage, at_ms: npt.NDArray[np.int64]) -> Array:
    """Its value at each instant, NaN outside it."""
    place = (at_ms - vintage.start_ms) // (vintage.step_s * 1000)
    inside = (place >= 0) & (place < len(vintage.values))
    return np.where(inside, vintage.values[np.clip(place, 0, len(vintage.values) - 1)], np.nan)
