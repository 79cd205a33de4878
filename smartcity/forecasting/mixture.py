# SPDX-License-Identifier: Apache-2.0
"""Bands of several methods as one: their quantiles averaged, and wider where the methods disagree.

An average of quantiles is as sure of itself as its members are, whether they agree or not. That they differ is itself
a sign of not knowing, and where they differ most errors are largest. Their far quantiles are stretched besides: errors
one in forty are larger than those one in ten let expect.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smartcity.forecasting import intervals, quantiles
from smartcity.forecasting.series import Array, Flags

DISAGREEMENT = 0.2  # of the variance of the methods' medians adds to that of the band
FAR, FAR_BY = 0.05, 1.35


def mixed(told: Array, shares: Array, levels: Sequence[float]) -> Array:
    """`told[m, ..., L, H]` by `shares[m, ..., H]` → `[..., L, H]`.

    A method that has not answered with numbers throughout is left to the others; NaN where none of them has.
    """
    known: Flags = np.asarray(np.isfinite(told).all(axis=(-2, -1)))[..., None]
    share = np.where(known, shares, 0.0)
    total = share.sum(axis=0)
    share = share / np.where(total > 0, total, np.nan)
    said = np.where(known[..., None], told, 0.0)
    band = np.asarray((share[..., None, :] * said).sum(axis=0))
    low, middle, high = (quantiles.at_level(band, levels, level) for level in (0.1, 0.5, 0.9))
    apart = (share * (quantiles.at_level(said, levels, 0.5) - middle) ** 2).sum(axis=0)
    sigma = np.maximum((high - low) / (2 * intervals.NORMAL_80), 1e-9)
    wider = np.sqrt(1 + DISAGREEMENT * apart / sigma**2)
    far = np.where(np.abs(np.asarray(levels) - 0.5) > 0.5 - FAR, FAR_BY, 1.0)
    return intervals.stretch(band, levels, wider[..., None, :] * far[:, None])
