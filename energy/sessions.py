# SPDX-License-Identifier: Apache-2.0
"""What a charging point would have drawn without control, worked out from what it drew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from energy.profile import DEFAULT_CHARGER_KW

Array = NDArray[np.float64]
IDLE_KW = 0.1


def uncontrolled(kw: Array, rated_kw: float, default_kw: float = DEFAULT_CHARGER_KW) -> Array:
    """Mean kW by quarter hour if each session had got the same energy at `default_kw` from its arrival on.

    A session is a run of quarters in which something was drawn. Its car came within the first of them, of which the
    share it was there is told by the second, whose limit was about the same. Quarters without a reading stay so;
    what would flow after the last quarter is left out.
    """
    free = min(rated_kw, default_kw) if rated_kw > 0 else default_kw
    drawn = np.nan_to_num(kw)
    found = np.where(np.isnan(kw), np.nan, 0.0)
    for start, end in _sessions(drawn):
        _spread(found, drawn[start:end], start, free)
    return found


def _sessions(kw: Array) -> Iterator[tuple[int, int]]:
    """[start, end) of every run above idle."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], kw > IDLE_KW, [False])).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _spread(found: Array, session: Array, start: int, free: float) -> None:
    """Add the session's energy at `free` kW from its first quarter on, after what the car before it still takes."""
    left, at = float(session.sum()), start
    most = min(free, _arrival(session, free))
    while left > 1e-9 and at < len(found):
        share = min(left, most if np.isnan(found[at]) else max(0.0, min(most, free - found[at])))
        found[at] += share
        left, most, at = left - share, free, at + 1


def _arrival(session: Array, free: float) -> float:
    """Mean kW of the quarter in which the car came, had it been free to charge."""
    if len(session) < 3:
        return float(session[0])
    return free * float(min(1.0, session[0] / session[1]))
