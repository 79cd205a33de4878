# SPDX-License-Identifier: Apache-2.0
"""Containers that fill, sensors that report, trucks that follow the centre or, when it is silent, the fixed rota."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import numpy as np

from smartcity.kernel import senml
from smartcity.kernel.acceptance import Acceptance
from smartcity.kernel.street import Ack, Hello, StreetDevice, Up, World
from waste import codecs, history, inflow, itinerary, rota
from waste.inflow import DAY_MS
from waste.itinerary import BadItinerary, Stop
from waste.level import FULL, to_distance
from waste.metrics import REPORT_S, TRUCK_S, TRUCK_STATES
from waste.roads import Place, Roads
from waste.truck import AT_DEPOT, OFF_DUTY, Spot, Truck

RESIDUE = 1.0
PATIENCE_MS = 30 * 60_000  # so long after its shift's begin a crew waits for the centre before it drives the rota
SILENT_ONE_IN = 60
BURNS_MS, BURNING_C = 40 * 60_000, 78.0


@dataclass(slots=True)
class Orders:
    """What a truck was told: the instruction it holds and until when."""

    route_until_ms: int = 0
    text: str = ""
    rota_day: int = -1


class Twin:
    """Every container and truck of the street."""

    every_s = 5.0

    def __init__(self, devices: Sequence[StreetDevice], world: World, seed: int) -> None:
        self.world, self.seed, self.random = world, seed, Random(f"waste{seed}")
        self.bins = [device for device in devices if device.kind == "container"]
        self.row = {device.uid: i for i, device in enumerate(self.bins)}
        self.rate = np.array([float(device.twin["rate"]) for device in self.bins])
        self.course = np.array([inflow.KINDS.index(str(device.twin["course"])) for device in self.bins], int)
        self.luck = np.array([inflow.luck(device.uid) for device in self.bins]).reshape(len(self.bins), -1)
        self.fill = np.zeros(len(self.bins))
        self.report_at = np.zeros(len(self.bins), np.int64)
        self.is_begun = False
        self.acceptances = {device.uid: Acceptance(device.uid) for device in devices}
        self.trucks: dict[str, Truck] = {}
        self.orders: dict[str, Orders] = {}
        self.rota_of: dict[str, tuple[str, ...]] = {}
        self.sites = {device.uid: device for device in devices if device.kind == "unload_site"}
        self.weighed = dict.fromkeys(self.sites, 0.0)
        self.weigh_at_ms = 0
        lorries = [device for device in devices if device.kind == "truck"]
        if lorries and self.sites:
            self._park(lorries)

    # the street

    def _park(self, lorries: Sequence[StreetDevice]) -> None:
        roads = read_roads(self.world.map_file)
        place = _placer(roads)
        spots = {
            device.uid: Spot(
                device.uid,
                place(device),
                float(device.fields["service_s"]) + 2 * place(device).off_m / 1.2,
                float(device.fields["kg_full"]),
            )
            for device in self.bins
        }
        tips = {uid: Spot(uid, place(site), float(site.fields["service_s"])) for uid, site in self.sites.items()}
        names = sorted(device.uid for device in lorries)
        for device in lorries:
            depot = Spot("depot", place(device), 0.0)
            self.trucks[device.uid] = Truck(device, roads, depot, tips, spots, self._take, self._weigh)
            self.orders[device.uid] = Orders()
            mine = names.index(device.uid)
            self.rota_of[device.uid] = tuple(b.uid for b in self.bins if rota.driver(b.uid, len(names)) == mine)

    def _weigh(self, uid: str, kg: float) -> None:
        self.weighed[uid] += kg
        self.weigh_at_ms = 0

    def _take(self, uid: str) -> float:
        """Empty a container; the sensor notices and reports soon after."""
        row = self.row[uid]
        kg = min(FULL, self.fill[row]) / FULL * float(self.bins[row].fields["kg_full"])
        self.fill[row] = RESIDUE
        self.report_at[row] = 0
        return float(kg)

    # time

    def step(self, now_ms: int, dt_s: float) -> Iterable[Up | Hello | Ack]:
        if not self.is_begun:
            self._begin(now_ms)
        self._fill(now_ms, dt_s)
        hour, _ = self.world.local_hours(now_ms)
        for uid, truck in self.trucks.items():
            yield from self._live(uid, truck, hour, now_ms, dt_s)
        yield from self._reports(now_ms)
        if now_ms >= self.weigh_at_ms:
            self.weigh_at_ms = now_ms + int(REPORT_S * 1000)
            yield from (
                Up(uid, senml.write({"waste.weighed": round(kg, 1)}, now_ms)) for uid, kg in self.weighed.items()
            )

    def _begin(self, now_ms: int) -> None:
        """Where the weeks before left every container."""
        self.is_begun = True
        times = np.array([now_ms - history.STEP_MS, now_ms], np.int64)
        for row, device in enumerate(self.bins):
            self.fill[row] = history.filled(device, times)[-1]
            self.report_at[row] = now_ms + self.random.randrange(int(REPORT_S * 1000))
            if crc32(f"silent/{device.uid}/{self.seed}".encode()) % SILENT_ONE_IN == 0:
                self.report_at[row] = now_ms + 1000 * DAY_MS

    def _fill(self, now_ms: int, dt_s: float) -> None:
        hours, weekday = self.world.local_hours(now_ms)
        shares = np.array([inflow.COURSES[kind][int(hours) % 24] * inflow.WEEK[kind][weekday] for kind in inflow.KINDS])
        day = local_day(now_ms, self.world.zone)
        self.fill += self.rate * shares[self.course] * self.luck[:, day % inflow.LUCK_DAYS] * dt_s / 86_400

    # sensors

    def _reports(self, now_ms: int) -> Iterator[Up]:
        for row in np.flatnonzero(self.report_at <= now_ms).tolist():
            device = self.bins[row]
            self.report_at[row] = now_ms + int(REPORT_S * 1000)
            yield Up(device.uid, self._payload(device, row, now_ms))

    def _payload(self, device: StreetDevice, row: int, now_ms: int) -> bytes:
        fill = min(FULL, float(self.fill[row]))
        values = {
            "waste.temperature": round(self._temperature(device, now_ms), 1),
            "waste.battery": float(round(history.battery(device, np.array([now_ms]))[0])),
            "waste.tilt": float(self._is_tilted(device, now_ms)),
        }
        if device.codec == "senml":
            noise = self.random.gauss(0.0, 0.5)
            return senml.write({"waste.fill_level": round(min(FULL, max(0.0, fill + noise)), 1), **values}, now_ms)
        values["waste.distance"] = to_distance(fill, float(device.fields["empty_mm"]), float(device.fields["full_mm"]))
        return codecs.write_em400(values, datetime.fromtimestamp(now_ms / 1000, UTC).isoformat())

    def _temperature(self, device: StreetDevice, now_ms: int) -> float:
        """The air's, and some; now and then somebody throws in hot ash."""
        air = self.world.temperature(now_ms) + 2.0 + self.random.gauss(0.0, 0.3)
        is_hot = crc32(f"ash/{device.uid}/{now_ms // BURNS_MS}/{self.seed}".encode()) % 12_000 == 0
        return BURNING_C if is_hot else air

    def _is_tilted(self, device: StreetDevice, now_ms: int) -> bool:
        return crc32(f"tilt/{device.uid}/{now_ms // (DAY_MS // 4)}/{self.seed}".encode()) % 2500 == 0

    # trucks

    def _live(self, uid: str, truck: Truck, hour: float, now_ms: int, dt_s: float) -> Iterator[Up | Hello]:
        orders = self.orders[uid]
        if orders.text and now_ms >= orders.route_until_ms:
            orders.text = ""
            truck.go_home()
        left = _left_h(truck.device, hour)
        if not truck.is_busy:
            truck.state = AT_DEPOT if left > 0 else OFF_DUTY
            if left > 0 and not orders.text:
                self._maybe_rota(uid, truck, left, now_ms)
        elif left <= 0 and truck.queue:
            truck.go_home()
        changed = truck.step(dt_s)
        if changed or now_ms // 1000 % int(TRUCK_S) < self.every_s:
            yield Up(uid, self._status(truck, now_ms))
        if changed:
            yield Hello(uid, self.hello(uid) or {})

    def _maybe_rota(self, uid: str, truck: Truck, left_h: float, now_ms: int) -> None:
        """The signed local programme: once a shift, after the crew has waited for the centre."""
        orders, day = self.orders[uid], local_day(now_ms, self.world.zone)
        begun_ms = (_shift_h(truck.device) - left_h) * 3_600_000
        if orders.rota_day == day or begun_ms < PATIENCE_MS or left_h < 1.0:
            return
        orders.rota_day = day
        due = [
            uid
            for uid in self.rota_of[uid]
            if rota.is_due(day, *(int(self._fields(uid)[n]) for n in ("rota_every_days", "rota_phase")))
        ]
        order = rota.nearest_first(truck.roads, truck.at, {uid: truck.bins[uid].place for uid in due})
        truck.follow(tuple(Stop(uid, 0) for uid in order))

    def _fields(self, uid: str) -> Mapping[str, Any]:
        return self.bins[self.row[uid]].fields

    def _status(self, truck: Truck, now_ms: int) -> bytes:
        lon, lat = truck.position
        return senml.write(
            {
                "waste.truck_state": float(TRUCK_STATES.index(truck.state)),
                "waste.load": round(truck.load_kg, 1),
                "waste.odometer": round(truck.odometer_km, 3),
                "waste.stops_left": float(truck.stops_left),
                "waste.longitude": round(lon, 6),
                "waste.latitude": round(lat, 6),
            },
            now_ms,
        )

    # commands

    def command(self, uid: str, instruction: Mapping[str, Any], now_ms: int) -> Iterable[Ack]:
        return self.acceptances[uid].take(instruction, now_ms, partial(self._follow, uid, now_ms))

    def _follow(self, uid: str, now_ms: int, point: str, value: Any, until_ms: int) -> str:
        """Do what is asked; or why not."""
        if (point, value) == ("lease", "local"):
            self._to_local(uid)
            return ""
        if uid not in self.trucks:
            return "it takes no commands"
        if point == "lease":
            return ""
        if point not in ("route", "next_stop"):
            return f"this truck has no point {point}"
        try:
            stops = itinerary.read(value)
        except BadItinerary as error:
            return str(error)
        reason = self._why_not(uid, now_ms, point, stops)
        if not reason:
            self.orders[uid].text, self.orders[uid].route_until_ms = str(value), until_ms
            self._drive(self.trucks[uid], point, stops)
        return reason

    def _to_local(self, uid: str) -> None:
        if uid in self.trucks and self.orders[uid].text:
            self.orders[uid].text = ""
            self.trucks[uid].go_home()

    def _drive(self, truck: Truck, point: str, stops: tuple[Stop, ...]) -> None:
        if point == "next_stop":
            truck.first(self._with_kg(stops[0]))
        elif stops or truck.is_busy:
            truck.follow(stops)

    def _with_kg(self, stop: Stop) -> Stop:
        return Stop(stop.uid, round(float(self._fields(stop.uid)["kg_full"]))) if stop.uid in self.row else stop

    def _why_not(self, uid: str, now_ms: int, point: str, stops: tuple[Stop, ...]) -> str:
        """Why the crew's unit does not take these stops, or nothing."""
        if point == "next_stop" and len(stops) != 1:
            return "one stop is needed"
        truck = self.trucks[uid]
        unknown = [stop.uid for stop in stops if stop.uid not in (truck.tips if stop.is_unload else truck.bins)]
        if point == "next_stop":
            unknown = [stop.uid for stop in stops if stop.uid not in {*truck.tips, *truck.bins}]
        if unknown:
            return f"{unknown[0]} is not on this truck's list"
        if _left_h(truck.device, self.world.local_hours(now_ms)[0]) <= 0 and stops:
            return "the crew is off duty"
        most = itinerary.heaviest(stops, truck.load_kg)
        return f"{most:.0f} kg do not fit" if most > truck.capacity_kg else ""

    def hello(self, uid: str) -> Mapping[str, Any] | None:
        if uid not in self.trucks:
            return {"type": "weighbridge" if uid in self.sites else "fill sensor", "every_s": REPORT_S}
        truck = self.trucks[uid]
        serves = {
            device.uid: [
                float(device.fields["kg_full"]), float(device.fields["access_from"]), float(device.fields["access_to"]),
            ]
            for device in self.bins
        }  # fmt: skip
        next_uid = truck.target.uid if truck.target is not None and truck.is_busy else ""
        return {
            "type": "collection truck",
            "zone": self.world.zone,
            "serves": serves,
            "unloads": sorted(truck.tips),
            "route": {
                "led_by": "centre" if self.orders[uid].text else "fixed rota",
                "next": next_uid if next_uid in truck.bins or next_uid in truck.tips else "",
                "left": [stop.uid for stop in truck.queue],
                "done": truck.done[-itinerary.MOST_STOPS :],
            },
            "silence": "the fixed rota",
        }


def read_roads(map_file: str) -> Roads:
    """The network of the map; what reads it is loaded only on the street. Raises BadMap."""
    from smartcity.devices import osm_read

    return Roads.of_town(osm_read.read(Path(map_file)))


def _placer(roads: Roads) -> Any:
    known: dict[str, Place] = {}

    def place(device: StreetDevice) -> Place:
        if device.uid not in known:
            known[device.uid] = roads.snap(device.point)
        return known[device.uid]

    return place


def _shift_h(device: StreetDevice) -> float:
    return (float(device.fields["shift_to"]) - float(device.fields["shift_from"])) % 24 or 24.0


def _left_h(device: StreetDevice, hour: float) -> float:
    """Hours of the shift that are left, 0 off shift."""
    since = (hour - float(device.fields["shift_from"])) % 24
    return max(0.0, _shift_h(device) - since)


def local_day(now_ms: int, zone: str) -> int:
    """Local days since 1970."""
    return int(inflow.local(np.array([now_ms], np.int64), zone)[2][0])
