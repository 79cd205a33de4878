# SPDX-License-Identifier: Apache-2.0
"""A forecast as issued: a belief with its author, its band and its record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from smartcity.forecasting import quantiles
from smartcity.forecasting.series import Array


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
