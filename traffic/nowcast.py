# SPDX-License-Identifier: Apache-2.0
"""The next hour in steps of five minutes: how today differs from the usual day, fading into the usual day. Pure.

How fast it fades is what would have been best so far today; the band is as wide as this way was wrong so far today.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STEP_S = 300
STEPS = 12
LEVEL_STEPS = 6  # the half hour that says how today differs
KEEPS = (0.0, 0.7, 0.85, 0.93, 0.97, 1.0)  # share of the difference left after one step; 0: the usual day
LEAST_ERRORS = 12
BAND = (0.1, 0.9)
FLOOR = 1.0
WEIGHTS = 0.8 ** np.arange(LEVEL_STEPS)[::-1]


@dataclass(frozen=True, slots=True)
class Nowcast:
    """`values` for STEPS steps ahead; `low` and `high` hold 80 % (NaN while too little of today is known).

    `keep` is the share of today's difference left after a step, `n` how many past errors the band rests on.
    """

    values: Floats
    low: Floats
    high: Floats
    keep: float
    n: int


def nowcast(past: Floats, usual: Floats, *, high: float = np.inf) -> Nowcast | None:
    """`past` are today's values up to now, NaN where unknown; `usual` the same steps on a usual day and STEPS more.

    None where neither the last half hour nor the usual day is known.
    """
    if len(usual) != len(past) + STEPS:
        raise ValueError(f"a usual day needs {len(past) + STEPS} steps, not {len(usual)}")
    if np.isnan(usual[len(past) :]).any() or np.isnan(_level(past, usual, len(past))):
        return None
    told = _Origins.of(past, usual)
    errors = {keep: told.errors(past, keep) for keep in KEEPS}
    keep = min(KEEPS, key=lambda k: (_mean_size(errors[k]), k))
    values = np.clip(told.said(keep)[-1], 0.0, high)
    known = errors[keep]
    below, above = (np.array([_quantile(row, level) for row in known.T]) for level in BAND)
    scale = _scale(values)
    low = np.minimum(values, np.clip(values + below * scale, 0.0, high))
    upper = np.maximum(values, np.clip(values + above * scale, 0.0, high))
    return Nowcast(values, low, upper, keep, int((~np.isnan(known)).sum() / STEPS))


@dataclass(frozen=True, slots=True)
class _Origins:
    """Every step of today a nowcast could have been made at, the last one now: rows of what was known then.

    `coming` [origin, step] are the usual values ahead, `difference` today's from the usual day over the half hour
    before, `growth` [origin, step] how the usual day grows from there, held within a half and double.
    """

    coming: Floats
    difference: Floats
    growth: Floats

    @classmethod
    def of(cls, past: Floats, usual: Floats) -> _Origins:
        at = np.arange(min(LEVEL_STEPS, len(past)), len(past) + 1)
        coming = np.stack([usual[origin : origin + STEPS] for origin in at])
        before = np.stack([_before(usual, origin) for origin in at.tolist()])
        is_known = ~np.isnan(before)
        now = np.where(is_known, before, 0.0).sum(axis=1) / np.maximum(1, is_known.sum(axis=1))
        growth = np.where(now[:, None] > FLOOR, np.clip(coming / np.maximum(now, FLOOR)[:, None], 0.5, 2.0), 1.0)
        return cls(coming, np.array([_level(past, usual, origin) for origin in at.tolist()]), growth)

    def said(self, keep: float) -> Floats:
        """[origin, step]: the usual values, moved by what is left of the difference."""
        left = keep ** np.arange(1, STEPS + 1)
        return np.maximum(0.0, self.coming + self.difference[:, None] * left * self.growth)

    def errors(self, past: Floats, keep: float) -> Floats:
        """[origin, step]: what came less what would have been said, by the square root of what was said."""
        first = len(past) + 1 - len(self.coming)
        padded = np.concatenate([past, np.full(STEPS, np.nan)])
        came = np.stack([padded[origin : origin + STEPS] for origin in range(first, len(past) + 1)])
        said = self.said(keep)
        return (came - said) / _scale(said)


def _before(values: Floats, at: int) -> Floats:
    found = np.full(LEVEL_STEPS, np.nan)
    own = values[max(0, at - LEVEL_STEPS) : at]
    found[LEVEL_STEPS - len(own) :] = own
    return found


def _level(past: Floats, usual: Floats, at: int) -> float:
    """Weighed mean of today less usual over the half hour before step `at`; NaN where nothing is known."""
    first = max(0, at - LEVEL_STEPS)
    apart = past[first:at] - usual[first:at]
    weights = np.where(np.isnan(apart), 0.0, WEIGHTS[LEVEL_STEPS - len(apart) :])
    return float(np.nansum(apart * weights) / weights.sum()) if weights.sum() > 0 else float("nan")


def _scale(values: Floats) -> Floats:
    """Counts vary with their square root."""
    return np.asarray(np.sqrt(np.maximum(values, FLOOR)))


def _mean_size(errors: Floats) -> float:
    return float(np.nanmean(np.abs(errors))) if not np.isnan(errors).all() else 0.0


def _quantile(errors: Floats, level: float) -> float:
    """One rank further out than the sample's own: the finite-sample step of split conformal prediction."""
    known = np.sort(errors[~np.isnan(errors)])
    if len(known) < LEAST_ERRORS:
        return float("nan")
    rank = int(np.ceil((len(known) + 1) * level)) if level > 0.5 else int(np.floor((len(known) + 1) * level))
    return float(known[min(len(known), max(1, rank)) - 1])
