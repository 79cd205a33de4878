# SPDX-License-Identifier: Apache-2.0
"""What the gateway counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from smartcity.transports.counting import Counting


@dataclass(slots=True)
class Counters(Counting):
    """`closed` counts connections by reason."""

    connects: int = 0
    commands_sent: int = 0
    closed: Counter[str] = field(default_factory=Counter)
