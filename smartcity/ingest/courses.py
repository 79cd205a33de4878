# SPDX-License-Identifier: Apache-2.0
"""What each watched series did last, to judge the next reading by: too far a step, a spike, a sensor that hangs."""

from __future__ import annotations

from typing import Final

import numpy as np

from smartcity.kernel.codecs import NO_TIME
from smartcity.kernel.quality import Quality
from smartcity.telemetry.arrays import Bools, Floats, Ints
from smartcity.telemetry.book import Book

REMEMBERED: Final = 5  # readings a spike is measured against: one that lasts for three of them is a new level
NEAR: Final = 3  # expected intervals after which a step says nothing any more


class Courses:
    """In memory: after a start the first readings are believed. 64 bytes a series."""

    def __init__(self) -> None:
        self._at = np.full(1024, NO_TIME, np.int64)
        self._value = np.zeros(1024)
        self._since = np.full(1024, NO_TIME, np.int64)
        self._recent = np.full((1024, REMEMBERED), np.nan)

    def follow(self, series: Ints, at: Ints, value: Floats, book: Book) -> Ints:
        """Qualities of readings ordered by (series, at), GOOD where nothing speaks against them.

        Vectorised over series; as many rounds as the batch has readings of one series.
        """
        self._grow(int(series.max()))
        verdicts = np.full(len(series), Quality.GOOD, np.int64)
        starts = np.flatnonzero(np.diff(series, prepend=-1))
        rank = np.arange(len(series)) - np.repeat(starts, np.diff(np.append(starts, len(series))))
        for turn in range(int(rank.max()) + 1):
            now = np.flatnonzero(rank == turn)
            verdicts[now] = self._step(series[now], at[now], value[now], book)
        return verdicts

    def _step(self, series: Ints, at: Ints, value: Floats, book: Book) -> Ints:
        """One reading each of different series. What is older than the last one is neither judged nor remembered."""
        where = book.rows(series)
        newer = at > self._at[series]
        near = newer & (at - self._at[series] <= NEAR * book.every_ms[where])
        since = np.where(near & (value == self._value[series]), self._since[series], at)
        verdicts = np.full(len(series), Quality.GOOD, np.int64)
        hangs = newer & (at - since >= book.stuck_ms[where]) & (value != book.rests_at[where])
        verdicts[hangs] = Quality.SUSPECT_STUCK
        verdicts[near & (np.abs(value - self._value[series]) > book.max_step[where])] = Quality.SUSPECT_RATE
        verdicts[near & self._rises_above(series, value, book.spike[where])] = Quality.SUSPECT_SPIKE
        self._remember(series[newer], at[newer], value[newer], since[newer])
        return verdicts

    def _rises_above(self, series: Ints, value: Floats, spike: Floats) -> Bools:
        """Only where five readings are remembered: a median of fewer says little."""
        rises = np.zeros(len(series), np.bool_)
        asked = np.flatnonzero(np.isfinite(spike) & ~np.isnan(self._recent[series, 0]))
        if len(asked):
            usual = np.median(self._recent[series[asked]], axis=1)
            rises[asked] = value[asked] - usual > spike[asked]
        return rises

    def _remember(self, series: Ints, at: Ints, value: Floats, since: Ints) -> None:
        self._at[series], self._value[series], self._since[series] = at, value, since
        self._recent[series, :-1] = self._recent[series, 1:]
        self._recent[series, -1] = value

    def _grow(self, largest: int) -> None:
        if largest >= len(self._at):
            more = largest * 2 - len(self._at)
            self._at = np.concatenate([self._at, np.full(more, NO_TIME, np.int64)])
            self._value = np.concatenate([self._value, np.zeros(more)])
            self._since = np.concatenate([self._since, np.full(more, NO_TIME, np.int64)])
            self._recent = np.concatenate([self._recent, np.full((more, REMEMBERED), np.nan)])
