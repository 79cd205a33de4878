# SPDX-License-Identifier: Apache-2.0
"""How far long work is: how much is done, how fast, how much longer; on one line of a terminal, or now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

Progress = Callable[[int, float], None]


class Headway:
    """Call it as often as you like; it writes seldom."""

    def __init__(self, out: TextIO, *, clock: Callable[[], float] = time.monotonic, unit: str = "rows") -> None:
        self._out, self._clock, self._unit = out, clock, unit
        self._began = self._told = clock()
        self._is_terminal = out.isatty()
        self._every_s = 0.5 if self._is_terminal else 10.0

    def __call__(self, rows: int, share: float) -> None:
        now = self._clock()
        if now - self._told >= self._every_s:
            self._told = now
            self._write(words(rows, share, now - self._began, self._unit))

    def end(self, rows: int) -> None:
        self._write(words(rows, 1.0, self._clock() - self._began, self._unit))
        if self._is_terminal:
            self._out.write("\n")

    def _write(self, line: str) -> None:
        self._out.write(f"\r\x1b[K{line}" if self._is_terminal else f"{line}\n")
        self._out.flush()


def words(rows: int, share: float, seconds: float, unit: str = "rows") -> str:
    said = f"{rows:,} {unit}, {share:.0%}, {rows / max(seconds, 1e-3):,.0f} {unit}/s"
    if share >= 1:
        return f"{said}, took {_span(seconds)}"
    return f"{said}, {_span(seconds * (1 - share) / share)} to go" if share > 0 else said


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
