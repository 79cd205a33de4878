# SPDX-License-Identifier: Apache-2.0
"""Twenty times the normal rate for a minute: what cannot be taken waits or is refused in words, and is counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.chaos import holdings, victims
from benchmarks.chaos.findings import Findings, Options, answers, judged
from benchmarks.chaos.fleet import Fleet, wait_until
from benchmarks.chaos.victims import Victim

DEVICES: Final = 320
BEHIND_GATEWAY: Final = 20
RATE_S: Final = 300
TIMES: Final = 20
KEEPS: Final = 300
PATIENCE_S: Final = 300.0
GROWTH_MB: Final = 150


def run(found: Findings, options: Options) -> None:
    seconds = 5 if options.quick else 60
    with options.room(found.scenario) as var:
        with (
            victims.victim(var, devices=DEVICES, behind_gateway=BEHIND_GATEWAY) as city,
            Fleet(
                city.ports, DEVICES, behind_gateway=BEHIND_GATEWAY, rate_s=RATE_S, keeps=KEEPS, a_request=1, lines=16
            ) as fleet,
        ):
            fleet.talk()
            wait_until(lambda: fleet.book.acknowledged > 1_000, PATIENCE_S)
            normal = _watched(city, fleet, seconds)
            fleet.rate_s = RATE_S * TIMES
            burst = _watched(city, fleet, seconds)
            fleet.rate_s = RATE_S
            fleet.fall_silent()
            drained_s = fleet.drain(PATIENCE_S)
            health = city.health()
            heard = sum((poster.answers for poster in fleet.posters), Counter[int]())
            city.stop()
            log = fleet.book.read()
        held = holdings.read(city.environment, var / "held.npz")
    judged(found, log, held)
    answers(found, log)
    for name, told in (("normal", normal), ("burst", burst)):
        for what, value in told.items():
            found.add(f"{name}_{what}", value)
    grown = burst["memory_mb"] - normal["memory_mb"]
    found.add("memory_growth_mb", round(grown, 1), at_most=GROWTH_MB)
    found.add("drained_s", round(drained_s, 1))
    _refusals(found, fleet, health, heard)
    found.headline += f", {grown:+.0f} MB, {found.report.results[f'{found.scenario}_refused_in_words']:,} told to wait"


def _watched(city: Victim, fleet: Fleet, seconds: float) -> Mapping[str, float]:
    """Rates over so many seconds, and the most memory the city had meanwhile."""
    said, heard, cpu, memory = len(fleet.book), fleet.book.acknowledged, city.used_cpu_s, 0.0
    held_back, began = fleet.held_back, time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        memory = max(memory, city.memory_mb)
        time.sleep(0.2)
    took = now - began
    return {
        "wanted_messages_s": fleet.rate_s,
        "said_messages_s": round((len(fleet.book) - said) / took, 1),
        "acknowledged_messages_s": round((fleet.book.acknowledged - heard) / took, 1),
        "held_back_by_devices": fleet.held_back - held_back,
        "memory_mb": round(memory, 1),
        "cpu_cores": round((city.used_cpu_s - cpu) / took, 2),
    }


def _refusals(found: Findings, fleet: Fleet, health: Mapping[str, Any], heard: Counter[int]) -> None:
    """The city's own books say what its devices heard, refusals included."""
    gateway, counted = health["gateway"], health["http"]["answers"]
    refused = sum(n for status, n in heard.items() if status >= 400)
    found.add("requests", heard.total())
    found.add("refused_in_words", refused, at_least=1)
    missing = sum(abs(n - counted.get(str(status), 0)) for status, n in heard.items() if status)
    found.add("answers_not_counted", missing, at_most=0)
    found.add("unanswered_requests", heard[0])
    on_line = gateway["received"] - gateway["stored"] - sum(gateway["refused"].values())
    found.add("in_flight_at_rest", on_line + health["pipeline"]["waiting"], at_most=0)
    found.add("own_imbalances", len(health["pipeline"]["imbalances"]), at_most=0)
    found.add("times_devices_connected", gateway["connects"])
