# SPDX-License-Identifier: Apache-2.0
"""What stands beside the series and moves them: holidays, weather. Always as it was known at an instant.

A backtest that is shown the weather that came learns to trust a forecast nobody had. So whoever asks says when he asks
from, and gets what had been measured by then and the newest forecast issued by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from smartcity.forecasting.series import Array

HEATING_C, COOLING_C = 15.0, 20.0
DAY_S = 86_400


class Beside(Protocol):
    """`names` of the columns, in the words of the note under a forecast."""

    @property
    def names(self) -> tuple[str, ...]: ...

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


@dataclass(frozen=True, slots=True)
class Temperature:
    """Outdoor air in °C as four columns: degrees below 15 and above 20 now, and their means over the day before.

    Heating and cooling pull the same way from both ends of the scale, which no straight line can follow, and buildings
    answer to the day as much as to the hour (degree days: ISO 15927-6).
    """

    measured: Vintage
    foreseen: tuple[Vintage, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return ("cold", "heat", "a cold day", "a hot day")

    def seen(self, at_ms: int, start_ms: int, step_s: int, steps: int) -> Array:
        lead = DAY_S // step_s
        start_ms, steps = start_ms - lead * step_s * 1000, steps + lead
        at = start_ms + np.arange(steps, dtype=np.int64) * step_s * 1000
        values = np.where(at < at_ms, _looked_up(self.measured, at), np.nan)
        newest = max(
            (one for one in self.foreseen if one.issued_ms <= at_ms), key=lambda one: one.issued_ms, default=None
        )
        if newest is not None:
            values = np.where(np.isfinite(values), values, _looked_up(newest, at))
        degrees = np.stack([np.maximum(HEATING_C - values, 0.0), np.maximum(values - COOLING_C, 0.0)])
        total = np.cumsum(np.pad(degrees, ((0, 0), (1, 0))), axis=1)
        return np.concatenate([degrees[:, lead:], (total[:, lead + 1 :] - total[:, 1 : steps - lead + 1]) / lead])


@dataclass(frozen=True, slots=True)
class Together:
    """The columns of several."""

    parts: tuple[Beside, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.names)

    def seen(self, at_ms: int, start_ms: int, step_s: int, steps: int) -> Array:
        return np.concatenate([part.seen(at_ms, start_ms, step_s, steps) for part in self.parts])


@dataclass(frozen=True, slots=True)
class Columns:
    """What a method may use: `values[k, T + horizon]` without gaps, each with spread 1 over the past; `names` of them.

    `missing`: those that are not foreseen over the whole horizon this time, or hardly known before.
    """

    names: tuple[str, ...]
    values: Array
    missing: tuple[str, ...]


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
    values = filled[used] / spread[used][:, None]
    return Columns(_of(beside.names, used), values, _of(beside.names, ~foreseen))


def by_hour(values: Array, at: Array, periods: Sequence[int]) -> Array:
    """Each column as it is and times the first harmonic of the day, `[3 k, T]`: heat counts differently at night."""
    angle = 2 * np.pi * at / (periods[0] if periods else 1)
    return np.stack(
        [row * wave for row in values for wave in (np.ones(len(at)), np.cos(angle), np.sin(angle))]
        or [np.empty(len(at))]
    )[: 3 * len(values)]


def _of(names: Sequence[str], chosen: Array) -> tuple[str, ...]:
    return tuple(name for name, is_one in zip(names, chosen, strict=True) if is_one)


def _looked_up(vintage: Vintage, at_ms: npt.NDArray[np.int64]) -> Array:
    """Its value at each instant, NaN outside it."""
    place = (at_ms - vintage.start_ms) // (vintage.step_s * 1000)
    inside = (place >= 0) & (place < len(vintage.values))
    return np.where(inside, vintage.values[np.clip(place, 0, len(vintage.values) - 1)], np.nan)
