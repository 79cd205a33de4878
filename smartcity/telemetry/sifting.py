# SPDX-License-Identifier: Apache-2.0
"""Which readings of a batch are new, counted exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smartcity.telemetry.arrays import Bools, Ints
from smartcity.telemetry.batch import Readings


@dataclass(slots=True)
class Count:
    duplicate: int = 0
    conflicting: int = 0

    def add(self, same: Bools) -> None:
        """Readings whose key was taken: by the same value, or by another."""
        self.duplicate += int(same.sum())
        self.conflicting += int((~same).sum())


def first_of_each(rows: Readings, count: Count) -> Bools:
    """The first to arrive of each (at, series); the others are counted."""
    order = np.lexsort((rows.series, rows.at))
    at, series, value = rows.at[order], rows.series[order], rows.value[order]
    is_first = np.ones(len(rows), np.bool_)
    is_first[1:] = (at[1:] != at[:-1]) | (series[1:] != series[:-1])
    group = np.cumsum(is_first) - 1
    same = value == value[np.flatnonzero(is_first)[group]]
    count.add(same[~is_first])
    found = np.empty(len(rows), np.bool_)
    found[order] = is_first
    return found


def newest(rows: Readings) -> Ints:
    """Place of the reading with the greatest `at` of each series, ordered by series; keys must be unique."""
    order = np.lexsort((rows.at, rows.series))
    series = rows.series[order]
    return order[np.append(series[1:] != series[:-1], True)] if len(order) else order


class HighWater:
    """The newest instant stored of each series: above it a reading is surely new, unless others write too."""

    def __init__(self) -> None:
        self._at = np.full(1024, -1, np.int64)

    def of(self, series: Ints) -> Ints:
        self._grow(series)
        return self._at[series]

    def raise_to(self, series: Ints, at: Ints) -> None:
        self._grow(series)
        np.maximum.at(self._at, series, at)

    def _grow(self, series: Ints) -> None:
        largest = int(series.max()) if len(series) else -1
        if largest >= len(self._at):
            grown = np.full(largest * 2, -1, np.int64)
            grown[: len(self._at)] = self._at
            self._at = grown
