# SPDX-License-Identifier: Apache-2.0
"""The crew's unit in a truck: it takes routes from the centre, and when the centre is silent the fixed rota holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from smartcity.kernel.street import StreetDevice, World
from waste import inflow, itinerary, rota
from waste.itinerary import BadItinerary, Stop
from waste.metrics import TRUCK_STATES
from waste.roads import Place, Roads
from waste.truck import AT_DEPOT, OFF_DUTY, Spot, Truck

PATIENCE_MS = 30 * 60_000  # so long after its shift's begin a crew waits for the centre before it drives the rota
HOUR_MS = 3_600_000


@dataclass(slots=True)
class Unit:
    """One truck with what it was told and until when.

    `serves` are the containers as it announces them, with kg when full and hours of access; `rota` those of them it
    calls at by itself, every so many days in a phase.
    """

    truck: Truck
    world: World
    serves: Mapping[str, Sequence[float]]
    rota: Mapping[str, tuple[int, int]]
    text: str = ""
    until_ms: int = 0
    rota_day: int = -1

    def live(self, now_ms: int, dt_s: float) -> bool:
        """Whether the truck's state or the number of stops left has changed."""
        truck = self.truck
        if self.text and now_ms >= self.until_ms:
            self.text = ""
            truck.go_home()
        left_h = self._left_h(now_ms)
        if not truck.is_busy:
            truck.state = AT_DEPOT if left_h > 0 else OFF_DUTY
            if left_h > 0 and not self.text:
                self._maybe_rota(left_h, now_ms)
        elif left_h <= 0 and truck.queue:
            truck.go_home()
        return truck.step(dt_s)

    def _maybe_rota(self, left_h: float, now_ms: int) -> None:
        """The signed local programme: once a shift, after the crew has waited for the centre."""
        day = inflow.local_day(now_ms, self.world.zone)
        begun_ms = (self._shift_h - left_h) * HOUR_MS
        if self.rota_day == day or begun_ms < PATIENCE_MS or left_h < 1.0:
            return
        self.rota_day = day
        due = [uid for uid, (every_days, phase) in self.rota.items() if rota.is_due(day, every_days, phase)]
        truck = self.truck
        order = rota.nearest_first(truck.roads, truck.at, {uid: truck.bins[uid].place for uid in due})
        truck.follow(tuple(Stop(uid, 0) for uid in order))

    @property
    def _shift_h(self) -> float:
        fields = self.truck.device.fields
        return (float(fields["shift_to"]) - float(fields["shift_from"])) % 24 or 24.0

    def _left_h(self, now_ms: int) -> float:
        """Hours of the shift that are left, 0 off shift."""
        hour, _ = self.world.local_hours(now_ms)
        since = (hour - float(self.truck.device.fields["shift_from"])) % 24
        return max(0.0, self._shift_h - since)

    # what it is asked

    def follow(self, now_ms: int, point: str, value: Any, until_ms: int) -> str:
        """Do what is asked; or why not."""
        if point == "lease":
            if value == "local" and self.text:
                self.text = ""
                self.truck.go_home()
            return ""
        if point not in ("route", "next_stop"):
            return f"this truck has no point {point}"
        try:
            stops = itinerary.read(value)
        except BadItinerary as error:
            return str(error)
        reason = self._why_not(point, stops, now_ms)
        if not reason:
            self.text, self.until_ms = str(value), until_ms
            self._drive(point, stops)
        return reason

    def _why_not(self, point: str, stops: tuple[Stop, ...], now_ms: int) -> str:
        truck = self.truck
        if point == "next_stop" and len(stops) != 1:
            return "one stop is needed"
        unknown = [stop.uid for stop in stops if not self._knows(stop, point)]
        if unknown:
            return f"{unknown[0]} is not on this truck's list"
        if stops and self._left_h(now_ms) <= 0:
            return "the crew is off duty"
        most = itinerary.heaviest(stops, truck.load_kg)
        return f"{most:.0f} kg do not fit" if most > truck.capacity_kg else ""

    def _knows(self, stop: Stop, point: str) -> bool:
        """A call names a container without kg, as a route names an unload site."""
        tips, bins = self.truck.tips, self.truck.bins
        if point == "next_stop":
            return stop.uid in tips or stop.uid in bins
        return stop.uid in (tips if stop.is_unload else bins)

    def _drive(self, point: str, stops: tuple[Stop, ...]) -> None:
        if point == "next_stop":
            uid = stops[0].uid
            self.truck.first(Stop(uid, round(self.serves[uid][0])) if uid in self.serves else stops[0])
        elif stops or self.truck.is_busy:
            self.truck.follow(stops)

    # what it says

    def values(self) -> dict[str, float]:
        truck = self.truck
        lon, lat = truck.position
        return {
            "waste.truck_state": float(TRUCK_STATES.index(truck.state)),
            "waste.load": round(truck.load_kg, 1),
            "waste.odometer": round(truck.odometer_km, 3),
            "waste.stops_left": float(truck.stops_left),
            "waste.longitude": round(lon, 6),
            "waste.latitude": round(lat, 6),
        }

    def announced(self) -> Mapping[str, Any]:
        truck = self.truck
        next_uid = truck.target.uid if truck.target is not None and truck.is_busy else ""
        return {
            "type": "collection truck",
            "zone": self.world.zone,
            "serves": self.serves,
            "unloads": sorted(truck.tips),
            "route": {
                "led_by": "centre" if self.text else "fixed rota",
                "next": next_uid if next_uid in truck.bins or next_uid in truck.tips else "",
                "left": [stop.uid for stop in truck.queue],
                "done": truck.done[-itinerary.MOST_STOPS :],
            },
            "silence": "the fixed rota",
        }


def park(
    lorries: Sequence[StreetDevice],
    bins: Sequence[StreetDevice],
    sites: Sequence[StreetDevice],
    world: World,
    take: Callable[[str], float],
    weigh: Callable[[str, float], None],
) -> dict[str, Unit]:
    """Every truck at its depot. `take` empties a container and returns the kg, `weigh` puts them on a scale."""
    roads = read_roads(world.map_file)
    place = _placer(roads)
    spots = {device.uid: _spot(device, place(device)) for device in bins}
    tips = {site.uid: Spot(site.uid, place(site), float(site.fields["service_s"])) for site in sites}
    serves = {
        device.uid: [float(device.fields[name]) for name in ("kg_full", "access_from", "access_to")] for device in bins
    }
    names = sorted(device.uid for device in lorries)
    return {
        device.uid: Unit(
            Truck(device, roads, Spot("depot", place(device), 0.0), tips, spots, take, weigh),
            world,
            serves,
            {
                one.uid: (int(one.fields["rota_every_days"]), int(one.fields["rota_phase"]))
                for one in bins
                if names[rota.driver(one.uid, len(names))] == device.uid
            },
        )
        for device in lorries
    }


@lru_cache(maxsize=1)
def read_roads(map_file: str) -> Roads:
    """The network of the map, read once; what reads it is loaded only on the street. Raises BadMap."""
    from smartcity.devices import osm_read

    return Roads.of_town(osm_read.read(Path(map_file)))


def _spot(device: StreetDevice, place: Place) -> Spot:
    service_s = float(device.fields["service_s"]) + 2 * place.off_m / 1.2
    return Spot(device.uid, place, service_s, float(device.fields["kg_full"]))


def _placer(roads: Roads) -> Callable[[StreetDevice], Place]:
    known: dict[str, Place] = {}

    def place(device: StreetDevice) -> Place:
        if device.uid not in known:
            known[device.uid] = roads.snap(device.point)
        return known[device.uid]

    return place
