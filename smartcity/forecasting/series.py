# SPDX-License-Identifier: Apache-2.0
"""Regular series of the past: one (`History`) or many that share their instants (`Panel`). Gaps are NaN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from smartcity.forecasting.beside import Beside

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Single = npt.NDArray[np.float32]  # of scaled values: half the memory to move, and errors far below theirs


@dataclass(frozen=True, slots=True)
class Panel:
    """`values[n, T]`: n series on the same T steps; step t covers [start_ms + t·step, start_ms + (t+1)·step).

    `beside`: what moves all of them, if it is known (beside.py).
    """

    start_ms: int
    step_s: int
    values: Array
    beside: Beside | None = None

    @property
    def steps(self) -> int:
        return int(self.values.shape[1])

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.steps * self.step_s * 1000

    def before(self, step: int) -> Panel:
        """What was known before `step`, as a copy: nobody can reach the future through its memory."""
        return replace(self, values=self.values[:, :step].copy())

    def last(self, steps: int) -> Panel:
        """The newest `steps` steps, or all there are."""
        skip = max(self.steps - steps, 0)
        return replace(self, start_ms=self.start_ms + skip * self.step_s * 1000, values=self.values[:, skip:])

    def rows(self, chosen: Sequence[int] | Flags | npt.NDArray[np.int64]) -> Panel:
        """The chosen series only."""
        return replace(self, values=self.values[np.asarray(chosen)])


@dataclass(frozen=True, slots=True)
class History:
    """`values[T]` of one series; the value of step t is what was measured in [start_ms + t·step, … + step)."""

    start_ms: int
    step_s: int
    values: Array

    def __post_init__(self) -> None:
        if self.step_s <= 0:
            raise ValueError(f"step_s must be positive, not {self.step_s}")
        if self.start_ms % (self.step_s * 1000):
            raise ValueError("start_ms must lie on a step boundary")

    @property
    def end_ms(self) -> int:
        return self.start_ms + len(self.values) * self.step_s * 1000

    def window(self, end_ms: int, steps: int) -> Array:
        """The `steps` values before `end_ms` (a step boundary); NaN where this history has none."""
        out = np.full(steps, np.nan)
        first = end_ms // (self.step_s * 1000) - steps - self.start_ms // (self.step_s * 1000)
        begin, stop = max(first, 0), min(first + steps, len(self.values))
        if begin < stop:
            out[begin - first : stop - first] = self.values[begin:stop]
        return out


def boundary(now_ms: int, step_s: int) -> int:
    """Start of the step `now_ms` falls in: everything before it is complete, nothing after it is known."""
    return now_ms - now_ms % (step_s * 1000)


def panel(histories: Sequence[History], *, now_ms: int, steps: int, beside: Beside | None = None) -> Panel:
    """Many histories of one step length on the same `steps` complete steps before now."""
    step_s = histories[0].step_s
    end_ms = boundary(now_ms, step_s)
    values = np.stack([history.window(end_ms, steps) for history in histories])
    values[~np.isfinite(values)] = np.nan
    return Panel(end_ms - steps * step_s * 1000, step_s, values, beside)


def regular(at_ms: Sequence[int] | npt.NDArray[np.int64], values: Sequence[float] | Array, *, step_s: int) -> History:
    """Mean per step of readings in any order; duplicates average, non-finite values are left out."""
    step_ms = step_s * 1000
    instants, readings = np.asarray(at_ms, dtype=np.int64), np.asarray(values, dtype=np.float64)
    known = np.isfinite(readings)
    instants, readings = instants[known] // step_ms, readings[known]
    if not len(instants):
        return History(0, step_s, np.empty(0))
    first = int(instants.min())
    slots = instants - first
    count = np.bincount(slots)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(slots, weights=readings) / count
    return History(first * step_ms, step_s, np.where(count > 0, means, np.nan))


def coarser(history: History, step_s: int) -> History:
    """Means over steps of `step_s`; the same history when that is its step, an empty one when it does not divide."""
    if history.step_s == step_s:
        return history
    if step_s % history.step_s:
        return History(0, step_s, np.empty(0))
    at = history.start_ms + np.arange(len(history.values)) * history.step_s * 1000
    return regular(at, history.values, step_s=step_s)
