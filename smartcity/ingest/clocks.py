# SPDX-License-Identifier: Apache-2.0
"""How far the clocks of devices are off, as their stamps tell. In memory only; a few arrays, no query.

A stamp is as far ahead of its receipt as the clock is fast, less the time the message took; so the best of a while
comes near the truth. What a device says late for its own reasons looks like a slow clock until something fresh comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from smartcity.ingest.checks import LATE_MS, SKEWED_MS
from smartcity.kernel.codecs import NO_TIME
from smartcity.telemetry.arrays import Ints
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.book import Book

WHILE_MS: Final = 600_000
UNHEARD: Final = -(2**62)
WALL_FLOOR_S: Final = 30.0
BOUNDS_S: Final = (1, 5, 30, 120, 900, 3600)
WORST: Final = 10


@dataclass(frozen=True, slots=True)
class Stamps:
    """A row a message that has dated readings: the device's pk, by how much its newest stamp is ahead of its receipt,
    and how late it may be without surprise (ms)."""

    device: Ints
    ahead: Ints
    late: Ints

    @classmethod
    def none(cls) -> Stamps:
        return cls(*(np.empty(0, np.int64) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class ClockHealth:
    """`offsets_s`: how many are off by so many seconds at most, either way; `worst`: uid → seconds ahead."""

    devices: int
    off: int
    offsets_s: Mapping[str, int]
    worst: Mapping[str, float]


def stamps(rows: Readings, counts: Sequence[int], devices: Sequence[int], book: Book) -> Stamps:
    """From readings as they came, so many a message, each of a device (pk)."""
    many, device = np.array(counts, np.int64), np.array(devices, np.int64)
    if not len(rows):
        return Stamps.none()
    many, device = many[many > 0], device[many > 0]
    starts = np.concatenate(([0], np.cumsum(many)[:-1]))
    ahead = np.maximum.reduceat(np.where(rows.at == NO_TIME, UNHEARD, rows.at - rows.received), starts)
    late = np.maximum.reduceat(np.maximum(LATE_MS, 2 * book.every_ms[book.rows(rows.series)]), starts)
    dated = ahead != UNHEARD
    return Stamps(device[dated], ahead[dated], late[dated])


class Clocks:
    """A table by the device's pk: ms ahead, since when (city ms), how late it may be. Written in the store's thread;
    others take the table as it is just then."""

    def __init__(self) -> None:
        self._table = np.full((3, 0), UNHEARD, np.int64)

    def note(self, told: Stamps, now_ms: int) -> None:
        """The best of a while counts; what is older gives way to the next word."""
        if not len(told.device):
            return
        order = np.lexsort((told.ahead, told.device))
        best = order[np.append(np.diff(told.device[order]) != 0, True)]
        self._make_room(int(told.device[best[-1]]))
        ahead, since, _ = self._table[:, told.device[best]]
        best = best[(told.ahead[best] >= ahead) | (now_ms - since > WHILE_MS)]
        now = np.full(len(best), now_ms)
        self._table[:, told.device[best]] = np.stack((told.ahead[best], now, told.late[best]))

    def off(self, speed: float) -> dict[int, float]:
        """pk → seconds ahead, of the devices that are further off than any road explains."""
        ahead, _, late = self._table
        floor = int(1000 * WALL_FLOOR_S * speed)
        wrong = (ahead != UNHEARD) & ((ahead > max(SKEWED_MS, floor)) | (ahead < -np.maximum(late, floor)))
        return {device: int(ahead[device]) / 1000 for device in np.flatnonzero(wrong).tolist()}

    def health(self, uids: Mapping[int, str], speed: float) -> ClockHealth:
        ahead = self._table[0]
        heard = np.flatnonzero(ahead != UNHEARD)
        seconds = np.abs(ahead[heard]) / 1000
        within = {str(bound): int((seconds <= bound).sum()) for bound in BOUNDS_S} | {"+Inf": len(heard)}
        worst = heard[np.argsort(-seconds)[:WORST]].tolist()
        named = {uids[pk]: int(ahead[pk]) / 1000 for pk in worst if pk in uids}
        return ClockHealth(len(heard), len(self.off(speed)), within, named)

    def _make_room(self, device: int) -> None:
        short = device + 1 - self._table.shape[1]
        if short > 0:
            more = np.full((3, short + self._table.shape[1] // 2), UNHEARD, np.int64)
            self._table = np.concatenate((self._table, more), axis=1)
