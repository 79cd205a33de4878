# SPDX-License-Identifier: Apache-2.0
"""Which map features become containers and unload sites; for the demo also what no map knows, trucks included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from zlib import crc32

from smartcity.kernel.geo import metres
from smartcity.kernel.imports import AssetDraft, DeviceDraft, LonLat, Road, Town

SENSOR = ("waste.fill_level", "waste.temperature", "waste.battery", "waste.tilt")
ECHO_SENSOR = ("waste.distance", "waste.temperature", "waste.battery", "waste.tilt")
ABOARD = (
    "waste.truck_state", "waste.load", "waste.odometer", "waste.stops_left", "waste.longitude", "waste.latitude",
)  # fmt: skip
STREETS = ("residential", "living_street", "unclassified", "tertiary", "secondary", "pedestrian")
ECHO_EVERY = 5  # of the demo's containers, one in so many carries a LoRaWAN echo sensor
MOST_ESTIMATED, APART_M = 70, 75.0
SHIFTS = ((6.0, 14.0), (6.0, 14.0), (14.0, 22.0))
CAPACITY_KG = 3500.0
UNKNOWN = ("volume_l", "kg_full", "empty_mm", "full_mm", "service_s", "rota_every_days")
HOURS: Mapping[str, float] = {"service_s": 900.0, "open_from": 6.0, "open_to": 22.0}


@dataclass(frozen=True, slots=True)
class Type:
    """A model of container: litres, kg when full, echo distances, seconds to empty, % a day in the demo, course."""

    stream: str
    prefix_name: str
    volume_l: float
    kg_full: float
    empty_mm: float
    full_mm: float
    service_s: float
    rate: float
    course: str


TYPES: Mapping[str, Type] = {
    "waste_basket": Type("litter", "Litter bin", 120.0, 14.0, 800.0, 150.0, 45.0, 38.0, "street"),
    "waste_disposal": Type("residual", "Waste container", 1100.0, 110.0, 1400.0, 250.0, 90.0, 24.0, "home"),
    "recycling": Type("recycling", "Recycling container", 3000.0, 180.0, 1900.0, 300.0, 150.0, 16.0, "home"),
    "estimated": Type("residual", "Deep container", 3000.0, 270.0, 2200.0, 300.0, 150.0, 20.0, "home"),
}


def draft(town: Town, demo: bool) -> list[AssetDraft]:
    """Mapped containers and sites; with `demo` also containers along streets, a depot, an unload site and trucks.

    Without it size, weight, echo geometry, rota and opening hours are left out: no map knows them.
    """
    found = [_container(*place, demo=demo) for place in _mapped(town)]
    if demo:
        taken = [item.points[0] for item in found]
        found += [_container(*place, demo=True) for place in _estimated(town, taken)]
    return [*found, *_sites(town, demo=demo)]


def _mapped(town: Town) -> Iterator[tuple[str, LonLat, str, str, bool]]:
    """(external id, point, type, name, estimated) of containers outdoors; OSM `level` other than 0 is inside."""
    for node in town.nodes:
        if node.tags.get("amenity") in TYPES and node.tags.get("level", "0") == "0":
            yield f"osm:n{node.id}", node.point, node.tags["amenity"], node.tags.get("name", ""), False
    for way in town.ways:
        kind = way.tags.get("amenity", "")
        if kind in ("recycling", "waste_disposal") and way.points:
            yield f"osm:w{way.id}", way.points[0], kind, way.tags.get("name", ""), False


def _estimated(town: Town, taken: list[LonLat]) -> Iterator[tuple[str, LonLat, str, str, bool]]:
    """One deep container in the middle of street pieces longer than 40 m, at least 75 m from any other."""
    placed = list(taken)
    count = 0
    for road in _streets(town.roads):
        point = road.points[len(road.points) // 2] if len(road.points) > 2 else _middle(road.points)
        if count < MOST_ESTIMATED and all(metres(point, other) > APART_M for other in placed):
            placed.append(point)
            count += 1
            yield f"estimate:w{road.way}:{road.tail}:{road.head}", point, "estimated", road.name, True


def _streets(roads: Iterable[Road]) -> list[Road]:
    """Drivable pieces of ordinary streets, scattered over the town in an order that stays the same."""
    found = [road for road in roads if road.drivable and road.highway in STREETS and road.length_m > 40]
    return sorted(found, key=lambda road: (crc32(f"{road.way}/{road.tail}/{road.head}".encode()), road.way))


def _middle(points: tuple[LonLat, ...]) -> LonLat:
    (x1, y1), (x2, y2) = points[0], points[-1]
    return (x1 + x2) / 2, (y1 + y2) / 2


def _container(external_id: str, point: LonLat, kind: str, name: str, estimated: bool, *, demo: bool) -> AssetDraft:
    model = TYPES[kind]
    dice = crc32(external_id.encode())
    rate = model.rate * (0.5 + (dice % 997) / 997 * 1.1)
    every = max(1, min(7, int(80 / rate)))
    estimates = _estimates(model, every, point) if demo else {}
    echoes = dice % ECHO_EVERY == 0
    twin = {"rate": round(rate, 2), "course": model.course, "rota_hour": 6.5 + dice % 23 / 4} if demo else {}
    codec, metrics = ("milesight_em400", ECHO_SENSOR) if echoes and demo else ("senml", SENSOR)
    return AssetDraft(
        kind="container",
        prefix="C",
        external_id=external_id,
        name=f"{model.prefix_name} {name}".strip()[:200],
        points=(point,),
        estimated=estimated,
        fields={"stream": model.stream, **(estimates or dict.fromkeys(UNKNOWN))},
        engineering={"stream": model.stream, **estimates} if demo else {},
        device=DeviceDraft(codec, metrics, twin),
    )


def _estimates(model: Type, every_days: int, point: LonLat) -> Mapping[str, float]:
    """What the demo takes a container of this type to be; one day of the rota for each district."""
    district = crc32(f"{round(point[0] * 150)}/{round(point[1] * 300)}".encode())
    return {
        "volume_l": model.volume_l,
        "kg_full": model.kg_full,
        "empty_mm": model.empty_mm,
        "full_mm": model.full_mm,
        "service_s": model.service_s,
        "access_from": 0.0,
        "access_to": 24.0,
        "rota_every_days": every_days,
        "rota_phase": district % every_days,
    }


def _sites(town: Town, *, demo: bool) -> list[AssetDraft]:
    """Mapped transfer stations; for the demo a depot, an unload site where none is mapped, and three trucks."""
    found = [
        _mapped_site(f"osm:n{node.id}", node.tags.get("name") or "Transfer station", node.point, demo=demo)
        for node in town.nodes
        if node.tags.get("amenity") == "waste_transfer_station"
    ]
    drivable = [road for road in town.roads if road.drivable and road.length_m > 30]
    if not demo or not drivable:
        return found
    west, south, east, north = town.bounds
    if not found:
        at = _nearest(drivable, (east, north))
        found.append(_site("unload_site", "U", "estimate:unload", "Transfer station (estimated)", at, True))
    depot = _site("depot", "D", "estimate:depot", "Depot (estimated)", _nearest(drivable, (west, south)), True)
    return [*found, depot, *(_truck(number, depot) for number in range(len(SHIFTS)))]


def _mapped_site(external_id: str, name: str, point: LonLat, *, demo: bool) -> AssetDraft:
    found = _site("unload_site", "U", external_id, name, point, False)
    return found if demo else replace(found, fields=dict.fromkeys(HOURS), engineering={})


def _nearest(roads: list[Road], corner: LonLat) -> LonLat:
    return min((_middle(road.points[:2]) for road in roads), key=lambda point: (metres(point, corner), point))


def _site(kind: str, prefix: str, external_id: str, name: str, point: LonLat, estimated: bool) -> AssetDraft:
    """A depot, or an unload site with its weighbridge."""
    weighs = kind == "unload_site"
    fields = HOURS if weighs else {}
    return AssetDraft(
        kind=kind,
        prefix=prefix,
        external_id=external_id,
        name=name,
        points=(point,),
        estimated=estimated,
        fields=fields,
        engineering=fields,
        device=DeviceDraft("senml", ("waste.weighed",)) if weighs else None,
    )


def _truck(number: int, depot: AssetDraft) -> AssetDraft:
    begins, ends = SHIFTS[number]
    fields = {"capacity_kg": CAPACITY_KG, "shift_from": begins, "shift_to": ends}
    return AssetDraft(
        kind="truck",
        prefix="RT",
        external_id=f"estimate:truck:{number}",
        name=f"Collection truck {number + 1}",
        points=depot.points,
        parent=depot.external_id,
        estimated=True,
        fields=fields,
        engineering=fields,
        device=DeviceDraft("senml", ABOARD, {"number": number, "of": len(SHIFTS)}),
    )
