# SPDX-License-Identifier: Apache-2.0
"""What the CoAP door counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from smartcity.transports.counting import Counting


@dataclass(slots=True)
class Counters(Counting):
    """`received` are whole messages of devices that proved who they are; `auth_failures` are requests nobody could be
    believed for, `ignored` datagrams that are no request."""

    datagrams: int = 0
    duplicates: int = 0
    challenged: int = 0
    blocks: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
