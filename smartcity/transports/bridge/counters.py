# SPDX-License-Identifier: Apache-2.0
"""What the bridge counts. Of messages: received = stored + refused + ignored + in flight, at every instant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Since this process started. `refused` and `ignored` count by reason.

    `broker_dropped` is what the broker itself says it has dropped, for whomever; None where it is not asked.
    `resumed` counts connections at which the broker still had our session, `sessions_lost` later ones at which it had
    not: what it had queued for us is gone.
    """

    connects: int = 0
    resumed: int = 0
    sessions_lost: int = 0
    received: int = 0
    stored: int = 0
    without_qos: int = 0
    again: int = 0
    commands: int = 0
    nobody_listened: int = 0
    broker_dropped: int | None = None
    refused: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)

    @property
    def in_flight(self) -> int:
        return self.received - self.stored - self.refused.total() - self.ignored.total()
