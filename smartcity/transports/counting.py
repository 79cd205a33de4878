# SPDX-License-Identifier: Apache-2.0
"""What a door that answers each message counts: received = stored + refused + in flight, at every instant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from smartcity.transports.messages import Outcome


@dataclass(slots=True)
class Counting:
    """Since this process started. `refused` and `auth_failures` count by reason."""

    received: int = 0
    stored: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    auth_failures: Counter[str] = field(default_factory=Counter)

    @property
    def in_flight(self) -> int:
        return self.received - self.stored - self.refused.total()

    def settled(self, outcome: Outcome) -> None:
        if outcome.is_stored:
            self.stored += 1
        else:
            self.refused[outcome.reason] += 1
