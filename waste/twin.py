# SPDX-License-Identifier: Apache-2.0
"""How waste behaves by itself: containers fill, trucks drive what they are told or else their rota."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from smartcity.kernel import senml
from smartcity.kernel.acceptance import Acceptance
from smartcity.kernel.street import Ack, Hello, StreetDevice, Up, World
from waste.metrics import REPORT_S, TRUCK_S
from waste.onboard import Unit, park
from waste.sensors import Sensors


class Twin:
    """Every container, truck and weighbridge of the street."""

    every_s = 5.0

    def __init__(self, devices: Sequence[StreetDevice], world: World, seed: int) -> None:
        bins, lorries, sites = (
            [device for device in devices if device.kind == kind] for kind in ("container", "truck", "unload_site")
        )
        self.acceptances = {device.uid: Acceptance(device.uid) for device in devices}
        self.sensors = Sensors(bins, world, seed)
        self.weighed = {site.uid: 0.0 for site in sites}
        self.weigh_at_ms = 0
        self.units: dict[str, Unit] = {}
        if lorries and sites:
            self.units = park(lorries, bins, sites, world, self.sensors.empty, self._weigh)

    def _weigh(self, uid: str, kg: float) -> None:
        self.weighed[uid] += kg
        self.weigh_at_ms = 0

    def step(self, now_ms: int, dt_s: float) -> Iterable[Up | Hello | Ack]:
        self.sensors.live(now_ms, dt_s)
        for uid, unit in self.units.items():
            yield from self._live(uid, unit, now_ms, dt_s)
        yield from self.sensors.reports(now_ms)
        if now_ms >= self.weigh_at_ms:
            self.weigh_at_ms = now_ms + int(REPORT_S * 1000)
            for uid, kg in self.weighed.items():
                yield Up(uid, senml.write({"waste.weighed": round(kg, 1)}, now_ms))

    def _live(self, uid: str, unit: Unit, now_ms: int, dt_s: float) -> Iterator[Up | Hello]:
        has_changed = unit.live(now_ms, dt_s)
        if has_changed or now_ms // 1000 % int(TRUCK_S) < self.every_s:
            yield Up(uid, senml.write(unit.values(), now_ms))
        if has_changed:
            yield Hello(uid, unit.announced())

    def command(self, uid: str, instruction: Mapping[str, Any], now_ms: int) -> Iterable[Ack]:
        unit = self.units.get(uid)
        return self.acceptances[uid].take(instruction, now_ms, partial(unit.follow, now_ms) if unit else _is_local)

    def hello(self, uid: str) -> Mapping[str, Any] | None:
        if uid in self.units:
            return self.units[uid].announced()
        return {"type": "weighbridge" if uid in self.weighed else "fill sensor", "every_s": REPORT_S}


def _is_local(point: str, value: Any, until_ms: int) -> str:
    """What stands there without a crew."""
    return "" if (point, value) == ("lease", "local") else "it takes no commands"
