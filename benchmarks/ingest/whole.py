# SPDX-License-Identifier: Apache-2.0
"""Durable messages a CPU-second of a whole city on PostgreSQL: alarms evaluated, latest values and rollups kept, fifty
browsers looking on. Counted are the city, the processes beside it and the database server, not devices and browsers.
"""

from __future__ import annotations

from typing import Final

from benchmarks.ingest.house import BROWSERS, House, house
from benchmarks.ingest.mqtt import Found

DEVICES: Final = 200
GUESSED: Final = {1: 8_000, 10: 4_000}  # messages a second, to make runs about as long as asked for
STRETCH: Final = 10_000


def measured(seconds: float) -> Found:
    with house(DEVICES) as one:
        one.hear(4 * DEVICES, 1)  # the first batches make tables and wake what sleeps
        found: Found = {"durable_browsers": BROWSERS, "durable_devices": DEVICES}
        for each in GUESSED:
            found |= of_messages(one, each, seconds)
    found["durable_messages_per_cpu_s"] = found["durable_1_messages_per_cpu_s"]
    reached = max(float(found[f"durable_{each}_messages_per_cpu_s"]) for each in GUESSED) >= STRETCH
    return found | {"durable_stretch_10000": "reached" if reached else "not reached"}


def of_messages(one: House, each: int, seconds: float) -> Found:
    one.audience.begin()
    told = one.hear(round(GUESSED[each] * max(seconds, 2)), each)
    seen = one.audience.end()
    assert seen["frames"] >= BROWSERS * (told["wall_s"] - 1), seen
    figures = {
        "messages_per_cpu_s": told["messages"] / told["counted_cpu_s"],
        "readings_per_cpu_s": each * told["messages"] / told["counted_cpu_s"],
        "messages_per_s": told["messages"] / told["wall_s"],
        "cpus_used": told["counted_cpu_s"] / told["wall_s"],
        "city_share_of_cpu": told["city_cpu_s"] / told["counted_cpu_s"],
        "commit_p99_ms": told["p99_ms"],
    }
    return {f"durable_{each}_{name}": round(value, 3) for name, value in figures.items()}
