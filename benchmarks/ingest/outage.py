# SPDX-License-Identifier: Apache-2.0
"""The database stopped for a minute while devices go on at the target rate: how long until nobody waits longer than
usual for an answer. That nothing is lost is checked by script/chaos database_stopped.

The rate is fixed, 120,000 devices that speak once a minute, and not looked for by a ramp: on a busy machine one found
rates from 490 to 3,800 a second, and what comes of them is not the same.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from benchmarks.chaos import outages, victims
from benchmarks.chaos.fleet import Fleet
from benchmarks.ingest.mqtt import Found
from tests import servers

DEVICES: Final = 220
EACH: Final = 2
OUTAGE_S: Final = 60.0
QUICK_S: Final = 10.0
RATE_S: Final = 2_000
KEEPS: Final = 2_000
PATIENCE_S: Final = 240.0


def measured(seconds: float) -> Found:
    """Ten seconds instead of a minute where a second or less is asked for."""
    lasting = OUTAGE_S if seconds > 1 else QUICK_S
    with tempfile.TemporaryDirectory() as folder, servers.postgresql(durable=True) as (url, server):
        with (
            victims.victim(Path(folder), devices=DEVICES, database_url=url) as city,
            Fleet(city.ports, DEVICES, each=EACH, rate_s=RATE_S, keeps=KEEPS) as fleet,
        ):
            fleet.talk()
            fleet.hear_more(round(2 * fleet.rate_s), PATIENCE_S)
            outage = outages.stop_for(fleet, server, lasting)
            fleet.fall_silent()
            fleet.drain(PATIENCE_S)
    return {
        "outage_s": round(outage.lasted_s, 1),
        "outage_messages_per_s": round(fleet.rate_s, 1),
        "outage_held_back_by_devices": fleet.held_back,
        "outage_catch_up_s": round(outage.catch_up_s, 2),
        "outage_catch_up_ratio": round(outage.catch_up_s / outage.lasted_s, 3),
    }
