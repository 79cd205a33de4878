# SPDX-License-Identifier: Apache-2.0
"""The event log and the detector configuration as columns, and the few ways every measure walks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

QUARTER_MS = 900_000
NEVER = -(2**62)


@dataclass(frozen=True, slots=True)
class Log:
    """Events in columns of equal length, ordered by (at, code, parameter), none twice.

    `at` is ms since 1970, `device` any number that tells controllers apart, `code` one of the Indiana enumerations.
    """

    at: Ints
    device: Ints
    code: Ints
    parameter: Ints

    def __len__(self) -> int:
        return len(self.at)

    @classmethod
    def of(cls, at: object, device: object, code: object, parameter: object) -> Log:
        """From columns in any order, some rows perhaps twice; instants are ms since 1970 or numpy datetimes."""
        when = np.asarray(at)
        if when.dtype.kind == "M":
            when = when.astype("datetime64[ms]")
        columns = [when.astype(np.int64), *(np.asarray(one).astype(np.int64) for one in (device, code, parameter))]
        order = np.lexsort((columns[1], columns[3], columns[2], columns[0]))
        columns = [column[order] for column in columns]
        new = np.ones(len(order), np.bool_)
        new[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
        return cls(*(column[new] for column in columns))

    def take(self, which: Bools | Ints) -> Log:
        return Log(self.at[which], self.device[which], self.code[which], self.parameter[which])

    def only(self, *codes: int) -> Log:
        return self.take(np.isin(self.code, codes))


@dataclass(frozen=True, slots=True)
class Detectors:
    """Which detector of which device serves which phase, and as what.

    `function` is Presence (at the stop line, for occupancy), Advance (upstream, for arrivals), Yellow_Red (counts who
    crosses the stop line) or Count. `lanes` is how many lanes it spans.
    """

    device: Ints
    phase: Ints
    detector: Ints
    function: Sequence[str]
    lanes: Ints

    @classmethod
    def of(
        cls, device: object, phase: object, detector: object, function: Sequence[str], lanes: object = 1
    ) -> Detectors:
        of, serves, number = (np.asarray(column).astype(np.int64) for column in (device, phase, detector))
        return cls(of, serves, number, tuple(function), np.broadcast_to(np.asarray(lanes, np.int64), len(function)))

    def serving(self, function: str) -> Detectors:
        chosen = np.array([one == function for one in self.function], np.bool_)
        return Detectors(
            self.device[chosen], self.phase[chosen], self.detector[chosen],
            (function,) * int(chosen.sum()), self.lanes[chosen],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Events:
    """Events that belong to a phase: of its signal, or of a detector that serves it (`detector` 0: of the signal)."""

    at: Ints
    device: Ints
    phase: Ints
    code: Ints
    detector: Ints

    def __len__(self) -> int:
        return len(self.at)

    def take(self, which: Bools | Ints) -> Events:
        return Events(self.at[which], self.device[which], self.phase[which], self.code[which], self.detector[which])

    def joined(self, *others: Events) -> Events:
        all_of_them = (self, *others)
        return Events(*(np.concatenate([getattr(one, name) for one in all_of_them]) for name in Events.__slots__))


def of_detectors(log: Log, detectors: Detectors, codes: Sequence[int]) -> Events:
    """Each event of a configured detector once for every phase it serves."""
    found = log.only(*codes)
    theirs, mine = pairs((found.device, found.parameter), (detectors.device, detectors.detector))
    return Events(found.at[theirs], found.device[theirs], detectors.phase[mine], found.code[theirs],
                  found.parameter[theirs])  # fmt: skip


def of_phases(log: Log, detectors: Detectors, codes: Sequence[int]) -> Events:
    """Signal events of the phases that have one of these detectors."""
    found = log.only(*codes)
    phases = np.unique(np.stack([detectors.device, detectors.phase]), axis=1)
    theirs, _ = pairs((found.device, found.parameter), (phases[0], phases[1]))
    at = found.take(theirs)
    return Events(at.at, at.device, at.parameter, at.code, np.zeros(len(at), np.int64))


def pairs(left: tuple[Ints, Ints], right: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """Places in left and right whose two keys are equal; left's order is kept."""
    many = len(left[0])
    numbers = numbered(np.concatenate([left[0], right[0]]), np.concatenate([left[1], right[1]]))
    mine, theirs = numbers[:many], numbers[many:]
    order = np.argsort(theirs, kind="stable")
    first, last = np.searchsorted(theirs[order], mine, "left"), np.searchsorted(theirs[order], mine, "right")
    count = last - first
    where = np.repeat(np.arange(many), count)
    return where, order[np.repeat(first, count) + places_within(count)]


def numbered(*keys: Ints) -> Ints:
    """A number for each distinct combination of keys, in their order."""
    if not len(keys[0]):
        return np.empty(0, np.int64)
    order = np.lexsort(keys[::-1])
    new = starts(*(key[order] for key in keys))
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.cumsum(new) - 1
    return numbers


def starts(*keys: Ints) -> Bools:
    """True where one of the (sorted) keys differs from the row before, and in the first row."""
    new = np.ones(len(keys[0]), np.bool_)
    if len(new):
        new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return new


def runs(new: Bools) -> list[tuple[int, int]]:
    """First place and end of each group."""
    first = np.flatnonzero(new).tolist()
    return list(zip(first, [*first[1:], len(new)] if first else [], strict=True))


def places_within(counts: Ints) -> Ints:
    """0, 1, … for each count, one after another: [2, 3] gives 0 1 0 1 2."""
    total = int(counts.sum())
    return np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)


def bins(at: Ints, bin_ms: int) -> Ints:
    return at // bin_ms * bin_ms


def grouped(*keys: Ints) -> tuple[Ints, Ints, Any]:
    """The order that sorts by keys, where groups start in it, and the keys of each group."""
    order = np.lexsort(keys[::-1])
    first = np.flatnonzero(starts(*(key[order] for key in keys))) if len(order) else np.empty(0, np.int64)
    return order, first, tuple(key[order][first] for key in keys)


def counted(*keys: Ints) -> tuple[Any, Ints]:
    """The distinct combinations of keys, and how often each is there."""
    order, first, found = grouped(*keys)
    return found, np.diff(np.append(first, len(order)))


def summed(values: Floats | Ints | Bools, *keys: Ints) -> tuple[Any, Floats]:
    """The sum of values for each distinct combination of keys."""
    order, first, found = grouped(*keys)
    numbers = values[order].astype(np.float64)
    return found, np.add.reduceat(numbers, first) if len(first) else numbers


def following(values: Ints, new: Bools, none: int = NEVER) -> Ints:
    """The next row's value within a group; `new` marks where groups start."""
    after = np.full(len(values), none, np.int64)
    if len(values):
        after[:-1] = np.where(new[1:], none, values[1:])
    return after


def preceding(values: Ints, new: Bools, none: int = NEVER) -> Ints:
    before = np.full(len(values), none, np.int64)
    if len(values):
        before[1:] = np.where(new[1:], none, values[:-1])
    return before


def carried(values: Ints, known: Bools, new: Bools, none: int = NEVER) -> Ints:
    """The last known value up to and with each row of a group."""
    if not len(values):
        return values
    place = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    begin = np.maximum.accumulate(np.where(new, np.arange(len(values)), 0))
    return np.where(place >= begin, values[np.maximum(place, 0)], none)
