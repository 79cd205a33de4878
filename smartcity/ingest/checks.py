# SPDX-License-Identifier: Apache-2.0
"""How far each reading can be believed, and which cannot be stored at all. Duplicates are the store's to find."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from smartcity.ingest.courses import Courses
from smartcity.kernel.codecs import NO_TIME
from smartcity.kernel.quality import Quality
from smartcity.telemetry.arrays import Bools, Floats, Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.book import Book

CLOCK_UNSET_MS: Final = 946_684_800_000  # 2000-01-01: a device that says so has lost its clock
SKEWED_MS: Final = 120_000
FUTURE_MS: Final = 600_000
LATE_MS: Final = 900_000


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


def judge(rows: Readings, book: Book, before: Courses) -> Judged:
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
    _judge_courses(dated, sound, book, before)
    quality[sound & _is_out_of_range(rows.value, where, book)] = Quality.SUSPECT_RANGE
    return Judged(dated, faults)


def _is_out_of_range(value: Floats, where: Ints, book: Book) -> Bools:
    with np.errstate(invalid="ignore"):
        is_no_state: Bools = book.is_state[where] & (value != np.rint(value))
        return (value < book.low[where]) | (value > book.high[where]) | is_no_state


def _judge_courses(rows: Readings, sound: Bools, book: Book, before: Courses) -> None:
    """Sets the quality of readings that do not follow from those before them, in this batch or in memory."""
    watched = np.flatnonzero(sound & book.is_watched[book.rows(rows.series)])
    if len(watched):
        order = watched[np.lexsort((rows.at[watched], rows.series[watched]))]
        verdicts = before.follow(rows.series[order], rows.at[order], rows.value[order], book)
        told = verdicts != Quality.GOOD
        rows.quality[order[told]] = verdicts[told]
