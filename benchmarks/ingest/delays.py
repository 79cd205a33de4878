# SPDX-License-Identifier: Apache-2.0
"""How long a reading takes from its device to the commit, and to a browser, while the city uses 70 % of a core.

To the commit: from sending to the acknowledgement. To the browser: from the instant the device stamped to the arrival
of the frame that carries the value; a device speaks less often than frames are sent, so that no value is passed over.
"""

from __future__ import annotations

import time
from typing import Final

from benchmarks.chaos.soak import along
from benchmarks.ingest.house import House, house
from benchmarks.ingest.mqtt import Found

DEVICES: Final = 2_000
EACH: Final = 2
CORES: Final = 0.7
RATES: Final = (300, 900)
LEAST_S: Final = 6.0
SETTLE_S: Final = 2.0


def measured(seconds: float) -> Found:
    lasting = max(LEAST_S, 2 * seconds)
    with house(DEVICES) as one:
        one.hear(DEVICES, EACH)
        points = [(rate, cores(at_rate(one, rate, LEAST_S))) for rate in RATES]
        rate = max(100.0, extended(points[0], points[1]))
        one.audience.begin()
        told = at_rate(one, rate, lasting)
        time.sleep(SETTLE_S)
        seen = one.audience.end()
    return {
        "loaded_messages_per_s": round(told["messages"] / told["wall_s"], 1),
        "loaded_city_cores": round(cores(told), 3),
        "loaded_all_cores": round(told["counted_cpu_s"] / told["wall_s"], 3),
        "loaded_commit_p50_ms": round(told["p50_ms"], 2),
        "loaded_commit_p99_ms": round(told["p99_ms"], 2),
        "loaded_values_seen": seen["read"],
        "loaded_browser_p50_ms": round(seen["p50_ms"], 1),
        "loaded_browser_p99_ms": round(seen["p99_ms"], 1),
    }


def at_rate(one: House, rate: float, seconds: float) -> dict[str, float]:
    return one.hear(round(rate * seconds), EACH, round(rate))


def cores(told: dict[str, float]) -> float:
    return told["city_cpu_s"] / told["wall_s"]


def extended(below: tuple[float, float], above: tuple[float, float]) -> float:
    """The rate at CORES on the line through two (rate, cores), beyond the second too."""
    if above[1] >= CORES:
        return along(below, above, CORES)
    slope = (above[0] - below[0]) / max(1e-3, above[1] - below[1])
    return above[0] + slope * (CORES - above[1])
