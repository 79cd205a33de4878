# SPDX-License-Identifier: Apache-2.0
"""How the road is doing: what waits, how long, and whether both ledgers balance."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from smartcity.telemetry import tally
from smartcity.telemetry.batch import Batch, Written

SMOOTHING: Final = 0.2


@dataclass(frozen=True, slots=True)
class Health:
    """`oldest_s` is the wall time the oldest unacknowledged message has waited; `lag_s` city time from measuring to
    receiving (median of the last batch); `imbalances` is empty while both ledgers balance."""

    ok: bool
    waiting: int
    oldest_s: float
    database_down_s: float
    readings_s: float
    messages_s: float
    lag_s: float
    counts: Mapping[str, int]
    imbalances: list[str]
    last_problem: str


class Books:
    """The two ledgers of this run, and rates, from what was committed."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.readings_s = 0.0
        self.messages_s = 0.0
        self.lag_s = 0.0
        self._at = time.monotonic()

    def committed(self, batch: Batch, written: Written) -> None:
        self.counts.update(tally.of_batch(batch, written))
        readings = len(batch.readings)
        if readings:
            self.lag_s = float(np.median(batch.readings.received - batch.readings.at)) / 1000
        now = time.monotonic()
        took, self._at = max(now - self._at, 1e-3), now
        weight = min(1.0, SMOOTHING * took)
        self.readings_s += weight * (readings / took - self.readings_s)
        self.messages_s += weight * (batch.counts.get("messages.received", 0) / took - self.messages_s)

    def imbalances(self, received: int, in_flight: int) -> list[str]:
        """`received` by the inbox, which knows nothing of what became of the messages."""
        return tally.imbalances(dict(self.counts) | {"messages.received": received}, in_flight=in_flight)
