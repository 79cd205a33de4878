# SPDX-License-Identifier: Apache-2.0
"""Readings as they leave a city and come into one: the columns of a file, the same as CSV and as Parquet.

`at_utc` is the instant, and only that is read back; `at_city` is the wall clock of the city then, ahead of UTC by
`utc_offset_min`, for people and spreadsheets. A series is named by its device and metric, because ids mean nothing in
another city.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from smartcity.telemetry.arrays import Floats, Ints
from smartcity.telemetry.buckets import QUARTER_MS

COLUMNS: Final = (
    "at_utc", "at_city", "utc_offset_min", "device", "metric", "unit", "value", "quality", "delay_s", "simulated",
    "series",
)  # fmt: skip
READ_BACK: Final = ("at_utc", "device", "metric", "unit", "value", "quality", "delay_s")
AT_ONCE: Final = 50_000


class BadFile(Exception):
    """The file cannot be read or written; the message says why and what to do, in one sentence."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a file says of one series. `series` is its id in the city it comes from."""

    device: str
    metric: str
    unit: str
    simulated: bool = False
    series: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows, in columns of equal length; `name` is the place in `names`. `first_row` counts from 1."""

    names: Sequence[Named]
    name: Ints
    at: Ints
    value: Floats
    quality: Ints
    delay_s: Ints
    first_row: int = 1

    def __len__(self) -> int:
        return len(self.at)


class Writer(Protocol):
    """A file being written. What is not closed is no whole file."""

    def write(self, chunk: Chunk) -> None: ...

    def close(self) -> None: ...


class Reader(Protocol):
    """A file that can be read more than once."""

    @property
    def rows(self) -> int | None:
        """How many rows it holds, where the file says so."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """Raises BadFile."""
        ...


def offsets_min(at: Ints, zone: ZoneInfo) -> Ints:
    """Minutes the city's clock is ahead of UTC at each instant; it changes on whole quarters of an hour only."""
    quarters, which = np.unique(at // QUARTER_MS, return_inverse=True)
    found = [_offset_min(int(quarter) * QUARTER_MS, zone) for quarter in quarters.tolist()]
    return np.array(found, np.int64)[which] if len(at) else at


def _offset_min(at_ms: int, zone: ZoneInfo) -> int:
    ahead = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).utcoffset()
    return round(ahead.total_seconds() / 60) if ahead else 0
