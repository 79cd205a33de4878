# SPDX-License-Identifier: Apache-2.0
"""City milliseconds and aware instants, and the number that orders what one device is told."""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime

from smartcity.devices import time_zone

_lock = threading.Lock()
_last = 0
_own = secrets.randbelow(500)  # two processes seldom give the same number within the same millisecond


def instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def ms_of(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def in_words(at: datetime) -> str:
    """The time of day in the city, with its zone."""
    return at.astimezone(time_zone.city_zone()).strftime("%H:%M %Z")


def sequences(count: int, now_ms: int) -> range:
    """The next `count` numbers: they grow with city time, so they go on growing after a restart.

    1,000 a millisecond and below 2**53, so that every JSON reader keeps them exact.
    """
    global _last
    with _lock:
        first = max(_last + 1, now_ms * 1000 + _own)
        _last = first + count - 1
    return range(first, first + count)
