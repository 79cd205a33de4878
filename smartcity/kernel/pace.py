# SPDX-License-Identifier: Apache-2.0
"""How fast simulated time may run: a ceiling that yields when the city lags."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """Wall seconds the oldest unacknowledged message and the oldest undecided loop have waited, and the twin's lag."""

    oldest_message_s: float
    oldest_loop_s: float
    twin_behind_s: float = 0.0


COMFORT_S = 1.0
STRAIN_S = 3.0


def next_speed(speed: float, ceiling: float, load: Load) -> float:
    """Called once a wall second. Multiplicative back-off under strain, gentle return, never above the ceiling.

    Speed 1 is the floor: a city that lags in real time has another problem, which shows as lag.
    """
    waited = max(load.oldest_message_s, load.oldest_loop_s, load.twin_behind_s)
    if waited > STRAIN_S:
        return max(1.0, round(speed * 0.7, 2))
    if waited < COMFORT_S:
        return min(ceiling, round(max(speed, 1.0) * 1.1 + 0.05, 2))
    return min(ceiling, speed)
