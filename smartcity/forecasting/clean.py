# SPDX-License-Identifier: Apache-2.0
"""What a forecast must not learn from: impossible values, spikes, stuck sensors. Says what it left out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from smartcity.forecasting import quantiles
from smartcity.forecasting.series import Array, Flags, Panel
from smartcity.kernel.forecasts import Target

SPIKE_FACTOR = 20.0


@dataclass(frozen=True, slots=True)
class Repairs:
    """Steps without a usable value, per series `[n]`, by reason."""

    steps: int
    missing: Array
    impossible: Array
    spikes: Array
    stuck: Array

    def words(self, row: int) -> str:
        """What was left out of series `row`; empty when nothing was."""
        parts = [
            _part(self.missing[row], "missing"),
            _part(self.impossible[row], "outside the possible range"),
            _part(self.spikes[row], "a spike far above everything else", "spikes far above everything else"),
            _part(self.stuck[row], "stuck on one value"),
        ]
        said = [part for part in parts if part]
        return f"Left out of {self.steps:,} steps: {', '.join(said)}." if said else ""


def clean(panel: Panel, target: Target) -> tuple[Panel, Repairs]:
    """The panel with unusable values turned into gaps, judged from the panel alone (so a prefix stays causal)."""
    values = panel.values.copy()
    missing = ~np.isfinite(values)
    impossible = ~missing & ((values < target.low) | (values > target.high))
    values[impossible] = np.nan
    spikes = _spikes(values)
    values[spikes] = np.nan
    stuck = _stuck(values, min(target.seasons_steps, default=96), target.low)
    values[stuck] = np.nan
    counts = [flags.sum(axis=1).astype(np.float64) for flags in (missing, impossible, spikes, stuck)]
    return replace(panel, values=values), Repairs(panel.steps, *counts)


def _spikes(values: Array) -> Flags:
    """Farther from the median than twenty times the distance of the 0.5 % and 99.5 % quantiles.

    Counts that are nearly always zero have no such distance: there the limit is a thousand median non-zero sizes.
    """
    low, middle, high = np.moveaxis(quantiles.row_quantiles(values, (0.005, 0.5, 0.995)), 1, 0)
    reach = SPIKE_FACTOR * np.maximum(high - middle, middle - low)
    sizes = np.where(values == 0, np.nan, np.abs(values))
    usual = 1000 * quantiles.row_quantiles(sizes, (0.5,))[:, 0]
    reach = np.where(reach > 0, reach, np.maximum(usual, np.abs(middle)))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(values - middle[:, None]) > reach[:, None])


def _stuck(values: Array, longest: int, low: float) -> Flags:
    """All but the first step of a run of one value longer than `longest`; zero and the lower bound may last.

    A series that is constant throughout is not stuck here: the engine says so in words instead.
    """
    out = np.zeros(values.shape, dtype=np.bool_)
    if values.shape[1] <= longest:
        return out
    same = values[:, 1:] == values[:, :-1]
    running = np.cumsum(np.pad(same, ((0, 0), (1, 0))).astype(np.int64), axis=1)
    whole = np.any(running[:, longest:] - running[:, :-longest] == longest, axis=1)
    for row in np.flatnonzero(whole):
        edges = np.flatnonzero(~same[row]) + 1
        for begin, stop in zip(np.r_[0, edges], np.r_[edges, values.shape[1]], strict=True):
            if stop - begin > longest and values[row, begin] not in (0.0, low):
                out[row, begin + 1 : stop] = True
    constant = np.nanmax(values, axis=1, initial=-np.inf) == np.nanmin(values, axis=1, initial=np.inf)
    out[constant] = False
    return out


def _part(count: float, one: str, many: str | None = None) -> str:
    return f"{int(count):,} {one if count == 1 or many is None else many}" if count else ""
