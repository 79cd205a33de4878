# SPDX-License-Identifier: Apache-2.0
"""A forecast as issued: a belief with its author, its band and its record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from smartcity.forecasting import quantiles
from smartcity.forecasting.series import Array

DAY_MS = 86_400_000


class Basis(StrEnum):
    """What a forecast rests on."""

    MODEL = "model"
    FALLBACK = "fallback"
    FLATLINE = "flatline"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """`values[levels, horizon]`; horizon is 0 where nothing could be said (then `note` says why).

    `skill` is 1 − loss / loss of seasonal naive over the backtest, None where there was none;
    `note` says in words which method was used and why, and what was repaired before.
    """

    issued_at_ms: int
    start_ms: int
    step_s: int
    levels: tuple[float, ...]
    values: Array
    method: str
    basis: Basis
    note: str
    skill: float | None = None

    @property
    def horizon_steps(self) -> int:
        return int(self.values.shape[1])

    @property
    def is_empty(self) -> bool:
        return self.horizon_steps == 0

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.horizon_steps * self.step_s * 1000

    @property
    def instants_ms(self) -> list[int]:
        """Start of each step."""
        return list(range(self.start_ms, self.end_ms, self.step_s * 1000))

    def at(self, level: float) -> Array:
        """The quantile `level` over the horizon, `[horizon]`; between stored levels by linear interpolation."""
        return quantiles.at_level(self.values, self.levels, level)

    @property
    def median(self) -> Array:
        return self.at(0.5)

    def value_at(self, instant_ms: int, level: float = 0.5) -> float | None:
        """The quantile for the step that holds `instant_ms`; None outside the horizon."""
        step = (instant_ms - self.start_ms) // (self.step_s * 1000)
        return float(self.at(level)[step]) if 0 <= step < self.horizon_steps else None

    def band(self, at_ms: int) -> tuple[float, float, float] | None:
        """10 %, median and 90 % for the step that holds `at_ms`; None outside the horizon."""
        low, middle, high = (self.value_at(at_ms, level) for level in (0.1, 0.5, 0.9))
        return None if low is None or middle is None or high is None else (low, middle, high)

    def highest(self, level: float, from_ms: int, to_ms: int) -> float | None:
        """Largest value of a quantile over the steps that [from_ms, to_ms) touches; None when it touches none."""
        step_ms = self.step_s * 1000
        first = max((from_ms - self.start_ms) // step_ms, 0)
        last = min(-((self.start_ms - to_ms) // step_ms), self.horizon_steps)
        return float(self.at(level)[first:last].max()) if first < last else None

    def median_at(self, times_ms: npt.NDArray[np.int64]) -> Array | None:
        """Median at many instants, None unless the first is within the horizon.

        Beyond the end stands the value a day earlier, or the last one where the forecast is shorter than a day: who
        plans a day ahead on an hour-old forecast must not lose his last hour.
        """
        if self.is_empty or not len(times_ms) or not self.start_ms <= int(times_ms[0]) < self.end_ms:
            return None
        times = np.asarray(times_ms, np.int64)
        beyond = np.maximum(times - self.end_ms + 1, 0)
        times = times - -(-beyond // DAY_MS) * DAY_MS
        steps = np.where(
            times >= self.start_ms, (times - self.start_ms) // (self.step_s * 1000), self.horizon_steps - 1
        )
        return np.asarray(self.median[steps])
