# SPDX-License-Identifier: Apache-2.0
"""Which devices are silent."""

from __future__ import annotations

from typing import Final

import numpy as np

from smartcity.alarms.condition import Bools, Floats, Ints

INTERVALS: Final = 2.0
MARGIN_S: Final = 10.0
WALL_FLOOR_S: Final = 5.0


def limits_ms(every_s: Floats, speed: float) -> Ints:
    """How long a device may say nothing: two expected intervals and ten seconds, at least five seconds of the wall."""
    city_s = np.maximum(INTERVALS * every_s + MARGIN_S, WALL_FLOOR_S * speed)
    return (1000 * city_s).astype(np.int64)


def silent(last_seen: Ints, limits: Ints, now_ms: int, listening_since_ms: int) -> tuple[Bools, Bools]:
    """(fell silent, is heard) for devices last seen at `last_seen` (city ms, 0 = never).

    While nobody listened nobody was silent: the limit counts from `listening_since_ms` at the earliest. A device that
    was never heard is not silent but not yet in service.
    """
    quiet_ms = now_ms - np.maximum(last_seen, listening_since_ms)
    return (last_seen > 0) & (quiet_ms > limits), (last_seen > 0) & (now_ms - last_seen <= limits)
