# SPDX-License-Identifier: Apache-2.0
"""How far each reading can be believed, and which cannot be stored at all. Duplicates are the store's to find."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from smartcity.kernel.quality import Quality
from smartcity.telemetry.arrays import Bools, Floats, Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.book import Book

CLOCK_UNSET_MS: Final = 946_684_800_000  # 2000-01-01: a device that says so has lost its clock
SKEWED_MS: Final = 120_000
FUTURE_MS: Final = 600_000
LATE_MS: Final = 900_000
NO_TIME: Final = -(2**62)


class Fault(IntEnum):
    """Why a reading goes into quarantine."""

    NONE = 0
    NOT_FINITE = 1
    CLOCK_UNSET = 2
    FUTURE = 3

    @property
    def word(self) -> str:
        return self.name.lower().replace("_", " ")


FAULT_REASONS: Final = {
    Fault.NOT_FINITE: "the value is not a finite number",
    Fault.CLOCK_UNSET: "the time lies before the year 2000: the device has lost its clock",
    Fault.FUTURE: f"the time lies more than {FUTURE_MS // 60_000} minutes in the future",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """`rows` has as many rows as was asked about; `faults` are codes of Fault, and only rows without one are sound."""

    rows: Readings
    faults: Ints


class Before:
    """The newest reading heard of each series, to judge steps by. In memory: after a start the first is believed."""

    def __init__(self) -> None:
        self._at = np.full(1024, NO_TIME, np.int64)
        self._value = np.zeros(1024)

    def of(self, series: Ints) -> tuple[Ints, Floats]:
        self._grow(series)
        return self._at[series], self._value[series]

    def remember(self, rows: Readings) -> None:
        """In order of time, so that the newest stays."""
        self._grow(rows.series)
        order = np.argsort(rows.at, kind="stable")
        order = order[rows.at[order] > self._at[rows.series[order]]]
        self._at[rows.series[order]] = rows.at[order]
        self._value[rows.series[order]] = rows.value[order]

    def _grow(self, series: Ints) -> None:
        largest = int(series.max()) if len(series) else -1
        if largest >= len(self._at):
            more = largest * 2 - len(self._at)
            self._at = np.concatenate([self._at, np.full(more, NO_TIME, np.int64)])
            self._value = np.concatenate([self._value, np.zeros(more)])


def judge(rows: Readings, book: Book, before: Before) -> Judged:
    """Rows come with `at` = NO_TIME where the device gave none; they are dated by when they were received."""
    faults = np.zeros(len(rows), np.int64)
    undated = rows.at == NO_TIME
    at = np.where(undated, rows.received, rows.at)
    ahead = at - rows.received
    faults[ahead > FUTURE_MS] = Fault.FUTURE
    faults[at < CLOCK_UNSET_MS] = Fault.CLOCK_UNSET
    faults[~np.isfinite(rows.value)] = Fault.NOT_FINITE
    where = book.rows(rows.series)
    quality = np.full(len(rows), Quality.GOOD, np.int64)
    quality[-ahead > np.maximum(LATE_MS, 2 * book.every_ms[where])] = Quality.LATE
    quality[undated] = Quality.ESTIMATED
    quality[ahead > SKEWED_MS] = Quality.SUSPECT_SKEW
    dated = Readings(at, rows.series, rows.value, quality, rows.received)
    sound = faults == Fault.NONE
    quality[sound & _steps_too_far(dated, sound, book, before)] = Quality.SUSPECT_RATE
    quality[sound & _is_out_of_range(rows.value, where, book)] = Quality.SUSPECT_RANGE
    return Judged(dated, faults)


def _is_out_of_range(value: Floats, where: Ints, book: Book) -> Bools:
    with np.errstate(invalid="ignore"):
        is_no_state: Bools = book.is_state[where] & (value != np.rint(value))
        return (value < book.low[where]) | (value > book.high[where]) | is_no_state


def _steps_too_far(rows: Readings, sound: Bools, book: Book, before: Before) -> Bools:
    """Against the reading just before it in time, in this batch or in memory, if that is recent enough to compare."""
    too_far = np.zeros(len(rows), np.bool_)
    where = book.rows(rows.series)
    limited = np.flatnonzero(sound & np.isfinite(book.max_step[where]))
    if not len(limited):
        return too_far
    order = limited[np.lexsort((rows.at[limited], rows.series[limited]))]
    series, at, value = rows.series[order], rows.at[order], rows.value[order]
    last_at, last = before.of(series)
    follows = np.zeros(len(order), np.bool_)
    follows[1:] = series[1:] == series[:-1]
    last_at[follows], last[follows] = at[:-1][follows[1:]], value[:-1][follows[1:]]
    near = (at > last_at) & (at - last_at <= 3 * book.every_ms[where[order]])
    too_far[order] = near & (np.abs(value - last) > book.max_step[where[order]])
    before.remember(rows.take(order))
    return too_far
