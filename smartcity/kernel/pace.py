# SPDX-License-Identifier: Apache-2.0
"""How fast simulated time may run: a ceiling that yields when the city lags."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """Wall seconds the oldest unacknowledged message and the oldest undecided loop have waited, and the twin's lag.

    `fast_stretch` is how many of its own intervals, in city time, the slowest fast loop needs from decision to
    decision: at 3 signals that should be led every 5 s are led every 15 s, and fall back to their own plan.
    """

    oldest_message_s: float
    oldest_loop_s: float
    twin_behind_s: float = 0.0
    fast_stretch: float = 0.0


COMFORT_S = 1.0
STRAIN_S = 3.0
COMFORT_STRETCH = 2.0
STRAIN_STRETCH = 3.0


def next_speed(speed: float, ceiling: float, load: Load) -> float:
    """Called once a wall second. Multiplicative back-off under strain, gentle return, never above the ceiling.

    Speed 1 is the floor: a city that lags in real time has another problem, which shows as lag.
    """
    waited = max(load.oldest_message_s, load.oldest_loop_s, load.twin_behind_s)
    if waited > STRAIN_S:
        return max(1.0, round(speed * 0.7, 2))
    if load.fast_stretch > STRAIN_STRETCH:
        return max(1.0, round(speed * 0.85, 2))
    if waited < COMFORT_S and load.fast_stretch < COMFORT_STRETCH:
        return min(ceiling, round(max(speed, 1.0) * 1.1 + 0.05, 2))
    return min(ceiling, speed)
