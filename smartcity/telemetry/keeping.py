# SPDX-License-Identifier: Apache-2.0
"""Which readings of a metric kept "one every n seconds" become rows: the earliest of each span, whatever came first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from smartcity.telemetry.arrays import Bools, Ints


class Keys(Protocol):
    def __call__(self, series: int, from_ms: int, to_ms: int) -> int | None:
        """The instant of the stored reading of a series within [from_ms, to_ms), if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """`kept` marks the candidates to store; (at, series) of stored readings they displace; the spans to remember."""

    kept: Bools
    displaced: list[tuple[int, int]]
    spans: dict[int, tuple[int, int]]


class Spans:
    """Remembers the last span of each series, so that only late readings ask the database.

    With several writers to one database this is a hint, and a span may end up with two readings.
    """

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, int]] = {}

    def choose(self, at: Ints, series: Ints, keep_ms: Ints, stored: Keys) -> Choice:
        """Candidates must be unique; nothing is remembered before `remember`, which belongs after the commit."""
        kept = np.zeros(len(at), np.bool_)
        displaced: list[tuple[int, int]] = []
        spans: dict[int, tuple[int, int]] = {}
        told: dict[tuple[int, int], int | None] = {}
        for place in np.argsort(at, kind="stable").tolist():
            instant, number, width = int(at[place]), int(series[place]), int(keep_ms[place])
            span = instant // width
            key = (number, span)
            if key not in told:
                told[key] = self._kept(number, span, width, stored)
            had = told[key]
            kept[place] = had is None or instant <= had
            if had is not None and instant < had:
                displaced.append((had, number))
            if kept[place]:
                told[key] = instant
                if span >= max(self._last.get(number, (-1, 0))[0], spans.get(number, (-1, 0))[0]):
                    spans[number] = (span, instant)
        return Choice(kept, displaced, spans)

    def remember(self, choice: Choice) -> None:
        self._last.update(choice.spans)

    def recall(self, at: Ints, series: Ints, keep_ms: Ints) -> None:
        """Stored readings, ordered by time, of which the last span of each series is remembered."""
        for instant, number, width in zip(at.tolist(), series.tolist(), keep_ms.tolist(), strict=True):
            if instant // width > self._last.get(number, (-1, 0))[0]:
                self._last[number] = (instant // width, instant)

    def clear(self) -> None:
        self._last.clear()

    def _kept(self, series: int, span: int, width: int, stored: Keys) -> int | None:
        last = self._last.get(series)
        if last and span > last[0]:
            return None
        if last and span == last[0]:
            return last[1]
        return stored(series, span * width, (span + 1) * width)
