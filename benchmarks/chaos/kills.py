# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the ingesting process at random moments under load."""

from __future__ import annotations

import random
import time
from typing import Final

from benchmarks.chaos import holdings, victims
from benchmarks.chaos.findings import Findings, Options, answers, judged
from benchmarks.chaos.fleet import Fleet, wait_until
from benchmarks.chaos.victims import Victim
from tests import servers

DEVICES: Final = 220
BEHIND_GATEWAY: Final = 20
RATE_S: Final = 600
BACK_WITHIN_S: Final = 10.0
PATIENCE_S: Final = 120.0
DRAIN_S: Final = 180.0


def on_sqlite(found: Findings, options: Options) -> None:
    _run(found, options, "")


def on_postgresql(found: Findings, options: Options) -> None:
    with servers.postgis(durable=True) as url:
        _run(found, options, url)


def _run(found: Findings, options: Options, database_url: str) -> None:
    kills, rate_s = (2, 200) if options.quick else (20, RATE_S)
    chance = random.Random(options.seed)
    with options.room(found.scenario) as var:
        with (
            victims.victim(var, devices=DEVICES, behind_gateway=BEHIND_GATEWAY, database_url=database_url) as city,
            Fleet(city.ports, DEVICES, behind_gateway=BEHIND_GATEWAY, rate_s=rate_s) as fleet,
        ):
            fleet.talk()
            back = [_kill(city, fleet, chance) for _ in range(kills)]
            time.sleep(chance.uniform(1, 3))
            fleet.fall_silent()
            found.add("drained_s", round(fleet.drain(DRAIN_S), 2))
            city.stop()
            log = fleet.book.read()
        held = holdings.read(city.environment, var / "held.npz")
    found.add("kills", kills)
    found.add("messages", len(log))
    judged(found, log, held)
    answers(found, log)
    found.add("back_after_worst_s", round(max(back), 2), at_most=BACK_WITHIN_S)
    found.add("back_after_mean_s", round(sum(back) / len(back), 2))
    found.add("city_cpu_s", round(city.cpu_s, 1))
    found.headline += f", back within {max(back):.1f} s after each of {kills} kills"


def _kill(city: Victim, fleet: Fleet, chance: random.Random) -> float:
    """Seconds from the kill to the first message acknowledged by the next process, started at once."""
    had = fleet.book.acknowledged
    wait_until(lambda: fleet.book.acknowledged > had + 100, PATIENCE_S)
    time.sleep(chance.uniform(0, 4))
    city.kill()
    killed = time.monotonic()
    time.sleep(0.3)  # what the dead process had answered has been read by now
    had = fleet.book.acknowledged
    city.start(wait=False)
    wait_until(lambda: fleet.book.acknowledged > had, PATIENCE_S)
    return time.monotonic() - killed
