# SPDX-License-Identifier: Apache-2.0
"""A town's containers and trucks with the loop closed in memory: what sensors say in, routes out. No database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from smartcity.devices import osm_read
from smartcity.kernel import senml
from smartcity.kernel.control import Setpoint, Situation
from smartcity.kernel.imports import AssetDraft
from smartcity.kernel.street import StreetDevice, Up
from smartcity.twin.world import StreetWorld
from waste import codecs, history, inflow, itinerary, osm, rota, solver
from waste.controller import decide
from waste.filling import learn_all
from waste.interlocks import INTERLOCKS
from waste.level import FULL, emptied, from_distance
from waste.metrics import TRUCK_STATES
from waste.picture import Bin, Lorry, Picture, Site
from waste.planning import Policy
from waste.twin import Twin

ZONE = "Europe/Helsinki"
MONDAY_MS = 1_795_996_800_000  # 30 November 2026, 2 h in Helsinki
HOUR_MS = 3_600_000
CODECS = {codec.name: codec for codec in (senml.CODEC, *codecs.CODECS)}


@lru_cache(maxsize=8)
def devices_of(map_file: Path, seed: int) -> tuple[StreetDevice, ...]:
    """The town's waste devices as importcity --demo would name them; the seed is part of each name, so of its luck."""
    town = osm_read.read(map_file)
    drafts = osm.draft(town, True)
    uids = {draft.external_id: f"{draft.prefix}-{number:03d}.{seed}" for number, draft in enumerate(drafts, start=1)}
    return tuple(_device(draft, uids) for draft in drafts if draft.device is not None)


def _device(draft: AssetDraft, uids: dict[str, str]) -> StreetDevice:
    assert draft.device is not None
    lon, lat = draft.points[0]
    return StreetDevice(
        uid=uids[draft.external_id],
        secret="",
        domain="waste",
        kind=draft.kind,
        codec=draft.device.codec,
        lon=lon,
        lat=lat,
        name=draft.name,
        parent=uids.get(draft.parent, ""),
        metrics=draft.device.metrics,
        fields=draft.fields,
        engineering=draft.engineering,
        twin={**draft.device.twin, "zone": ZONE},
    )


@dataclass
class City:
    """One run. `centre` False leaves the trucks to the fixed rota."""

    map_file: Path
    seed: int = 1
    centre: bool = True
    policy: Policy = field(default_factory=lambda: Policy(solve=solver.solve, seconds_limit=0.5))

    def __post_init__(self) -> None:
        self.devices = {device.uid: device for device in devices_of(self.map_file, self.seed)}
        first = next(iter(self.devices.values()))
        self.world = StreetWorld(first.point, ZONE, self.seed, map_file=str(self.map_file), folder="")
        self.twin = Twin(list(self.devices.values()), self.world, self.seed)
        self.heard: dict[str, dict[str, tuple[float, int]]] = {uid: {} for uid in self.devices}
        self.announced: dict[str, Any] = {}
        self.bins = [device for device in self.devices.values() if device.kind == "container"]
        self.lorries = [device for device in self.devices.values() if device.kind == "truck"]
        self.sites = [device for device in self.devices.values() if device.kind == "unload_site"]
        roads = next(iter(self.twin.units.values())).truck.roads
        self.places = [roads.snap(device.point) for device in (*self.bins, *self.lorries, *self.sites)]
        self.seconds, self.metres = roads.matrix(self.places)
        self.refusals: list[str] = []
        self.setpoints: list[Setpoint] = []
        self.overflow_h = self.overflow_litres = 0.0
        self.visits, self.sequence = 0, 0
        self.lowest: dict[str, float] = {}

    def learn(self, now_ms: int) -> None:
        """Four weeks of the past, hour by hour, as the store would hold them."""
        times = np.arange(now_ms - 28 * 24 * HOUR_MS, now_ms, HOUR_MS, dtype=np.int64)
        fills = [np.minimum(FULL, history.filled(device, times)) for device in self.bins]
        self.fillings = learn_all(fills)

    def run(self, from_ms: int, hours: float, step_s: float = 20.0, every_s: float = 600.0) -> None:
        self.learn(from_ms)
        step_ms = int(step_s * 1000)
        for now in range(from_ms, from_ms + int(hours * HOUR_MS), step_ms):
            before = self.twin.sensors.fill.copy()
            self._hear(now, step_s)
            self.visits += int(np.sum(self.twin.sensors.fill < before - 5))
            over = self.twin.sensors.fill >= FULL
            self.overflow_h += float(over.sum()) * step_s / 3600
            if self.centre and (now - from_ms) % int(every_s * 1000) == 0 and now > from_ms:
                self.decide(now)

    def _hear(self, now: int, step_s: float) -> None:
        for said in self.twin.step(now, step_s):
            if isinstance(said, Up):
                for item in CODECS[self.devices[said.uid].codec].decode(said.payload, now):
                    self.heard[said.uid][item.metric] = item.value, item.at_ms or now
                    if item.metric == "waste.fill_level":
                        self.lowest[said.uid] = min(item.value, self.lowest.get(said.uid, FULL))

    def decide(self, now: int) -> list[Setpoint]:
        found = decide(self.picture(now), self.policy)
        for setpoint in found:
            self._ask(setpoint, now)
        return found

    def _ask(self, setpoint: Setpoint, now: int) -> None:
        device = self.devices[setpoint.asset]
        known = self.heard[setpoint.asset]
        situation = Situation(
            setpoint.asset,
            device.kind,
            device.engineering,
            json.loads(json.dumps(self.twin.hello(setpoint.asset))),
            {name: value for name, (value, _) in known.items()},
            {name: (now - at) / 1000 for name, (_, at) in known.items()},
            now,
            is_signed=True,
        )
        refused = [why for rule in INTERLOCKS if (why := rule.check(setpoint, situation))]
        self.refusals += refused
        held = self.twin.units[setpoint.asset]
        if refused or (held.text == setpoint.value and held.until_ms - now > setpoint.expires_in_s * 500):
            return
        self.sequence += 1
        self.setpoints.append(setpoint)
        told = {
            "id": str(self.sequence),
            "point": setpoint.point,
            "value": setpoint.value,
            "expires_at": now + int(setpoint.expires_in_s * 1000),
            "sequence": self.sequence,
        }
        answers = list(self.twin.command(setpoint.asset, told, now))
        self.refusals += [ack.reason for ack in answers if ack.state == "refused"]

    def picture(self, now: int) -> Picture:
        hours, _, days = inflow.local(np.array([now], np.int64), ZONE)
        first = len(self.bins)
        return Picture(
            hour=float(hours[0]),
            bins=tuple(self._bins(now, int(days[0]))),
            trucks=tuple(self._truck(device, first + i) for i, device in enumerate(self.lorries)),
            sites=tuple(
                Site(device.uid, first + len(self.lorries) + i, float(device.fields["service_s"]), (6.0, 22.0))
                for i, device in enumerate(self.sites)
            ),
            seconds=self.seconds,
            metres=self.metres,
        )

    def _bins(self, now: int, day: int) -> Iterator[Bin]:
        for node, device in enumerate(self.bins):
            known, data = self.heard[device.uid], device.fields
            level, at = known.get("waste.fill_level", (None, now))
            if level is None and "waste.distance" in known:
                echo, at = known["waste.distance"]
                level = from_distance(echo, data)
            yield Bin(
                uid=device.uid,
                node=node,
                level=level,
                age_h=(now - at) / HOUR_MS,
                filling=self.fillings[node],
                kg_full=float(data["kg_full"]),
                service_s=float(data["service_s"]),
                off_m=self.places[node].off_m,
                proof=emptied(data, is_echo=device.codec != senml.CODEC.name) if known else None,
                on_rota_today=bool(rota.is_due(day, int(data["rota_every_days"]), int(data["rota_phase"]))),
            )

    def _truck(self, device: StreetDevice, node: int) -> Lorry:
        known = self.heard[device.uid]
        state = known.get("waste.truck_state")
        return Lorry(
            uid=device.uid,
            state=TRUCK_STATES[round(state[0])] if state else None,
            load_kg=known.get("waste.load", (0.0, 0))[0],
            stops_left=round(known.get("waste.stops_left", (0.0, 0))[0]),
            capacity_kg=float(device.fields["capacity_kg"]),
            shift=(float(device.fields["shift_from"]), float(device.fields["shift_to"])),
            depot=node,
            promised=_route(self.twin.hello(device.uid) or {}),
        )

    @property
    def km(self) -> float:
        return sum(unit.truck.odometer_km for unit in self.twin.units.values())

    @property
    def heaviest_kg(self) -> float:
        """The greatest load any route planned for."""
        routes = [itinerary.read(s.value) for s in self.setpoints if s.point == "route"]
        return max((itinerary.heaviest(stops) for stops in routes), default=0.0)


def _route(said: Mapping[str, Any]) -> tuple[str, ...]:
    route = said["route"]
    return tuple(uid for uid in (route["next"], *route["left"]) if uid)


def with_policy(city: City, **changes: Any) -> City:
    """The same city under another policy."""
    return replace(city, policy=replace(city.policy, **changes))
