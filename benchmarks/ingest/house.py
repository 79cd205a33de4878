# SPDX-License-Identifier: Apache-2.0
"""A whole city on PostgreSQL with devices that speak and browsers that look on; what it and its database use."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from benchmarks.chaos.provision import prepare, provision
from benchmarks.chaos.victims import Victim
from benchmarks.ingest import cpu, hall
from benchmarks.ingest.live import Audience, audience
from benchmarks.ingest.mqtt import told_by_devices
from benchmarks.store import engine as bench

BROWSERS: Final = 50
READERS: Final = 5
SETTLE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class House:
    city: Victim
    audience: Audience
    devices: int

    @property
    def pid(self) -> int:
        return self.city.running.process.pid

    def hear(self, messages: int, each: int, rate: float = 0) -> dict[str, float]:
        """What devices tell of so many messages, `counted_cpu_s` of all, and `city_cpu_s` of the city's process alone;
        a second after the last acknowledgement is counted, for what happens then."""
        messages, spent = max(1, round(messages / self.devices)) * self.devices, list[float]()

        def spent_s() -> float:
            """Of the city, of the forecasters beside it, and of the whole database server."""
            spent.append(cpu.own_s(self.pid))
            return cpu.used_s(self.pid) + bench.server_cpu_s()

        port = self.city.ports[1]
        told = told_by_devices(spent_s, port, self.devices, messages, each, rate, settle_s=SETTLE_S)
        return told | {"messages": messages, "city_cpu_s": spent[1] - spent[0]}


@contextlib.contextmanager
def house(devices: int) -> Iterator[House]:
    """The settings of this process are the city's: its database, its folder and its secret key."""
    with contextlib.redirect_stdout(sys.stderr):
        prepare()
    provision(devices, 0)
    watched()
    own = {name: os.environ[name] for name in ("SMARTCITY_SECRET_KEY",)}
    city = Victim(Path(settings.VAR), os.environ["DATABASE_URL"], more=own)
    city.start()
    try:
        with audience(city.ports[0], BROWSERS, readers=READERS, cookie=hall.signed_in()) as listening:
            yield House(city, listening, devices)
    finally:
        city.running.stop(within_s=60)


def watched() -> None:
    """The lamps become those that lighting's alarm rules are about, each with the fault it reports."""
    from smartcity.devices.models import Asset, Device, Series

    Asset.objects.filter(domain="lighting").update(kind="luminaire")
    Series.objects.bulk_create([Series(device=device, metric="lighting.fault") for device in Device.objects.all()])
