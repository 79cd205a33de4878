# SPDX-License-Identifier: Apache-2.0
"""How long a reading takes from its device to the commit, and to a browser, while the city uses 70 % of a core.

To the commit: from sending to the acknowledgement. To the browser: from the instant the device stamped to the arrival
of the frame that carries the value; a device speaks less often than frames are sent, so that no value is passed over.
"""

from __future__ import annotations

import time
from typing import Final

from benchmarks.chaos.soak import KEPT_UP, along
from benchmarks.ingest.house import House, house
from benchmarks.ingest.mqtt import Found

DEVICES: Final = 2_000
EACH: Final = 2
CORES: Final = 0.7
FIRST_RATE: Final = 400.0
LEAST_S: Final = 6.0
SETTLE_S: Final = 2.0


def measured(seconds: float) -> Found:
    lasting = max(LEAST_S, 2 * seconds)
    with house(DEVICES) as one:
        one.hear(DEVICES, EACH)
        rate = ramp(one)
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


def ramp(one: House) -> float:
    """The rate at CORES, doubled until then; where this machine has no such share to give, the last rate at which all
    was acknowledged in time."""
    below, rate = (0.0, 0.0), FIRST_RATE
    while True:
        told = at_rate(one, rate, LEAST_S)
        if told["messages"] / told["wall_s"] < KEPT_UP * rate:
            return below[0] or rate
        if cores(told) >= CORES:
            return along(below, (rate, cores(told)), CORES)
        below, rate = (rate, cores(told)), 2 * rate
