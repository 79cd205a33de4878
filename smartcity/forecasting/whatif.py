# SPDX-License-Identifier: Apache-2.0
"""What a forecast would be if: warmer, a public holiday, an event or a closure. The difference has a band of its own.

Built on what stands beside a series (beside.py): the past stays, another future is put in its place, and the regression
of parts.py says what that has meant so far. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from smartcity.forecasting import parts
from smartcity.forecasting.beside import Beside, Known, Remembered, Temperature, Together
from smartcity.forecasting.forecast import Forecast
from smartcity.forecasting.parts import WARMTH, WEEK, Learnt
from smartcity.forecasting.series import Array, Panel
from smartcity.kernel.forecasts import Target

HOLIDAYS = "public holidays"
BAND_80 = 1.2816  # standard deviations of a normal distribution to either side
SUNDAY = 6


class CannotSay(Exception):
    """Why this series cannot answer, in a sentence."""


@dataclass(frozen=True, slots=True)
class Shifted:
    """What stands beside, with one column set to another value in [from_ms, to_ms) of what is still to come."""

    beside: Beside
    column: str
    value: float
    from_ms: int
    to_ms: int

    @property
    def names(self) -> tuple[str, ...]:
        return self.beside.names

    @property
    def least(self) -> tuple[float, ...]:
        return self.beside.least

    def seen(self, at_ms: int, start_ms: int, step_s: int, steps: int) -> Array:
        found = np.array(self.beside.seen(at_ms, start_ms, step_s, steps))
        at = start_ms + np.arange(steps, dtype=np.int64) * step_s * 1000
        found[self.names.index(self.column), (at >= max(self.from_ms, at_ms)) & (at < self.to_ms)] = self.value
        return found


class _Warmer(Known):
    """The same, with what is still to come so many degrees higher."""

    def __init__(self, known: Known, degrees: float) -> None:
        self._of, self._degrees = known, degrees

    def at(self, at_ms: int, instants: npt.NDArray[np.int64]) -> Array:
        values = self._of.at(at_ms, instants)
        return np.where(instants >= at_ms, values + self._degrees, values)


def warmed(beside: Beside | None, degrees: float) -> Beside | None:
    """The same with every temperature that is still to come higher; None where there is no temperature."""
    if isinstance(beside, Temperature):
        return replace(beside, known=_Warmer(beside.known, degrees))
    if isinstance(beside, Remembered):
        other = warmed(beside.of, degrees)
        return None if other is None else Remembered(other)
    if isinstance(beside, Together):
        others = [warmed(part, degrees) for part in beside.parts]
        if any(others):
            return Together(tuple(new or old for new, old in zip(others, beside.parts, strict=True)))
    return None


@dataclass(frozen=True, slots=True)
class Difference:
    """Change of each step in the metric's unit, `[3, H]`: low 80 %, middle, high 80 %; `words`: what it rests on."""

    values: Array
    words: str

    def on(self, forecast: Forecast, target: Target) -> Array:
        """The forecast with it, low 80 %, median, high 80 %, within the physical bounds."""
        band = np.stack([forecast.at(level) for level in (0.1, 0.5, 0.9)])
        return np.asarray(np.clip(band + self.values[1], target.low, target.high))


def warmer(learnt: Learnt, panel: Panel, target: Target, degrees: float) -> Difference:
    """Raises CannotSay where temperature is not among what the series is foreseen with."""
    other = warmed(panel.beside, degrees)
    if other is None or WARMTH not in learnt.design.group:
        raise CannotSay("Temperature is not among what this series is foreseen with, so nothing can be said of it.")
    change = parts.changed_beside(learnt, panel, target, other)
    way = "warmer" if degrees > 0 else "colder"
    return _difference(learnt, change, f"{abs(degrees):g} °C {way}, as far as temperature has moved it so far.")


def holiday(learnt: Learnt, panel: Panel, target: Target, day: date, zone: ZoneInfo) -> Difference:
    """A public holiday on that city day: as those known have been, or else as a Sunday. Raises CannotSay."""
    from_ms, to_ms = (_midnight(one, zone) for one in (day, day + timedelta(days=1)))
    at = panel.end_ms + np.arange(target.horizon_steps) * target.step_s * 1000
    inside = (at >= from_ms) & (at < to_ms)
    if not inside.any():
        raise CannotSay("The forecast does not reach that day.")
    if panel.beside is not None and HOLIDAYS in learnt.design.beside:
        change = parts.changed_beside(learnt, panel, target, Shifted(panel.beside, HOLIDAYS, 1.0, from_ms, to_ms))
        if not change.any():
            raise CannotSay("That day is a public holiday already, and is foreseen as one.")
        return _difference(learnt, change, "As the public holidays of the last weeks have been.")
    if WEEK not in learnt.design.group:
        raise CannotSay("Neither a public holiday nor two whole weeks have been seen yet.")
    if day.weekday() == SUNDAY:
        raise CannotSay("That day is a Sunday, and no public holiday has been seen that would tell more.")
    later = (SUNDAY - day.weekday()) * 86_400 // target.step_s
    change = parts.as_another_day(learnt, inside, later)
    return _difference(learnt, change, "As a Sunday: no public holiday is in what has been seen.")


def change(forecast: Forecast, percent: float, from_ms: int, to_ms: int) -> Difference:
    """An event or a closure that takes or adds a share of everything in [from_ms, to_ms). Raises CannotSay."""
    at = np.asarray(forecast.instants_ms)
    inside = (at >= from_ms) & (at < to_ms)
    if not inside.any():
        raise CannotSay("The forecast does not reach those hours.")
    band = np.stack([forecast.at(level) for level in (0.1, 0.5, 0.9)]) * percent / 100
    words = f"{abs(percent):g} % {'more' if percent > 0 else 'less'} in those hours, whatever would have come."
    return Difference(np.where(inside, np.sort(band, axis=0), 0.0), words)


def _difference(learnt: Learnt, change: Array, words: str) -> Difference:
    middle, spread = parts.effect(learnt, change)
    return Difference(np.stack([middle - BAND_80 * spread, middle, middle + BAND_80 * spread]), words)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).timestamp() * 1000)
