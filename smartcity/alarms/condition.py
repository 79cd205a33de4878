# SPDX-License-Identifier: Apache-2.0
"""When a condition becomes an alarm and when it ends: delays and hysteresis over many assets at once (ISA-18.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NEVER: Final = -1


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds of city time. A value is taken to hold for `holds` after its reading: until the next is due."""

    on: int
    off: int
    holds: int


@dataclass(frozen=True, slots=True)
class State:
    """Per asset: since when (ms, device time) the raise test and the clear test hold without a break, or NEVER."""

    bad_since: Ints
    good_since: Ints

    @classmethod
    def fresh(cls, size: int) -> State:
        return cls(np.full(size, NEVER, np.int64), np.full(size, NEVER, np.int64))


@dataclass(frozen=True, slots=True)
class Seen:
    """Per asset: the latest usable reading's instant (NEVER where there is none) and how it answers both tests."""

    at: Ints
    bad: Bools
    good: Bools


def step(was: State, seen: Seen, active: Bools, delays: Delays, now_ms: int) -> tuple[State, Bools, Bools]:
    """The next state, who raises now and who clears now. O(assets), no loop.

    Between the two thresholds neither test holds: a standing alarm stays, and neither delay goes on counting.
    """
    known = seen.at != NEVER
    state = State(
        _since(was.bad_since, seen.bad, seen.at, known), _since(was.good_since, seen.good & ~seen.bad, seen.at, known)
    )
    until = np.maximum(seen.at, np.minimum(now_ms, seen.at + delays.holds))
    raised = ~active & (state.bad_since != NEVER) & (until - state.bad_since >= delays.on)
    cleared = active & (state.good_since != NEVER) & (until - state.good_since >= delays.off)
    return state, raised, cleared


def _since(was: Ints, holds: Bools, at: Ints, known: Bools) -> Ints:
    began = np.where(was == NEVER, at, was)
    return np.where(known, np.where(holds, began, NEVER), was)
