# SPDX-License-Identifier: Apache-2.0
"""Long work in short transactions, so that alarms and commands get their turn at the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction

T = TypeVar("T")
AIM_S = 0.1


@dataclass(slots=True)
class ShortTransactions:
    """Runs rows through `write` in chunks that grow or shrink towards 0.1 s each; remembers the longest."""

    size: int = 20
    longest_s: float = 0.0

    def run(self, rows: Sequence[T], write: Callable[[Sequence[T]], None]) -> None:
        start = 0
        while start < len(rows):
            chunk = rows[start : start + self.size]
            began = time.perf_counter()
            with transaction.atomic():
                write(chunk)
            took = time.perf_counter() - began
            self.longest_s = max(self.longest_s, took)
            start += len(chunk)
            self.size = self._next_size(len(chunk), took)

    def _next_size(self, written: int, took_s: float) -> int:
        """At most twice as many; a remainder tells how slow it is, but not that more would be as fast."""
        most = 2 * self.size if written == self.size else self.size
        return max(10, min(500, most, round(written * AIM_S / max(took_s, 1e-4))))
