# SPDX-License-Identifier: Apache-2.0
"""Energy on the map: buildings and mapped charging stations are known, everything electrical is estimated (demo only).

Stated rules: load from floor area and storeys at 35 W/m2 (office), 45 (retail), 25 (school), 18 (housing); one
transformer per 8 connection points and a feeder per 5 transformers, each rated for a cold winter's day of the buildings
below (1.3 x their peaks); contracted capacity 1.35 x the building's peak with its chargers, where there is something to
steer 1.1 x, so that managing it pays; PV on every fourth roof, a battery on every seventh, chargers on every fifth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from energy.tariffs import TARIFF
from smartcity.kernel.geo import local_xy
from smartcity.kernel.imports import AssetDraft, DeviceDraft, LonLat, MapWay, Town

W_PER_M2 = {"office": 35.0, "retail": 45.0, "school": 25.0, "housing": 18.0}
SMALLEST_M2, MOST_POINTS = 350.0, 240
PER_TRANSFORMER, PER_FEEDER = 8, 5
WINTER, CONTRACT, MANAGED = 1.3, 1.35, 1.1
RATINGS = (100, 160, 250, 400, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 6300, 8000, 10000, 12500, 16000)
USES = {"school": "school", "university": "school", "retail": "retail", "commercial": "retail", "apartments": "housing"}


@dataclass(frozen=True, slots=True)
class Building:
    """A roof: where, how large (floor area over all storeys, m2), what for."""

    way: int
    name: str
    centre: LonLat
    floor_m2: float
    use: str

    @property
    def peak_kw(self) -> float:
        return round(max(8.0, self.floor_m2 * W_PER_M2[self.use] / 1000 * 0.6), 1)


def draft(town: Town, demo: bool) -> list[AssetDraft]:
    """Nothing without `demo`: no map knows feeders, meters and contracts. A city imports its own inventory."""
    if not demo:
        return []
    roofs = sorted((b for way in town.ways if (b := _building(way, town.bounds))), key=lambda b: -b.floor_m2)[
        :MOST_POINTS
    ]
    groups = _neighbours(roofs, PER_TRANSFORMER)
    found: list[AssetDraft] = []
    for number, group in enumerate(groups):
        feeder = f"estimate:feeder:{number // PER_FEEDER}"
        if number % PER_FEEDER == 0:
            found.append(_feeder(feeder, number // PER_FEEDER, groups[number : number + PER_FEEDER]))
        transformer = f"estimate:transformer:{group[0].way}"
        found.append(_transformer(transformer, feeder, group))
        for building in group:
            found += _site(building, transformer, roofs.index(building))
    return found


def _building(way: MapWay, bounds: Sequence[float]) -> Building | None:
    if "building" not in way.tags or not way.is_area:
        return None
    xy = [local_xy((bounds[0], bounds[1]), point) for point in way.points]
    area = abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(xy, xy[1:] + xy[:1], strict=True))) / 2
    storeys = way.tags.get("building:levels", "4")
    floors = float(storeys) if storeys.replace(".", "", 1).isdigit() else 4.0
    if area < SMALLEST_M2:
        return None
    lon = sum(p[0] for p in way.points[:-1]) / (len(way.points) - 1)
    lat = sum(p[1] for p in way.points[:-1]) / (len(way.points) - 1)
    return Building(way.id, _name(way), (lon, lat), area * min(floors, 8), _use(way.tags, way.id))


def _name(way: MapWay) -> str:
    """The building's name, else its address, else its number on the map."""
    street = f"{way.tags.get('addr:street', '')} {way.tags.get('addr:housenumber', '')}".strip()
    return way.tags.get("name") or street or f"Building {way.id}"


def _use(tags: Mapping[str, str], number: int) -> str:
    for key in ("building", "amenity", "shop"):
        if tags.get(key) in USES:
            return USES[tags[key]]
    return "retail" if "shop" in tags else ("office", "office", "retail", "housing")[number % 4]


def _neighbours(roofs: Sequence[Building], size: int) -> list[list[Building]]:
    """Groups of near buildings: strips of longitude, each cut by latitude. O(n log n)."""
    by_lon = sorted(roofs, key=lambda b: b.centre[0])
    strip = max(size, round((len(roofs) * size) ** 0.5))
    strips = [sorted(by_lon[i : i + strip], key=lambda b: b.centre[1]) for i in range(0, len(by_lon), strip)]
    return [part[i : i + size] for part in strips for i in range(0, len(part), size)]


def _rating(peaks_kw: float) -> float:
    return float(next((rating for rating in RATINGS if rating >= WINTER * peaks_kw), RATINGS[-1]))


def _middle(group: Sequence[Building]) -> LonLat:
    return sum(b.centre[0] for b in group) / len(group), sum(b.centre[1] for b in group) / len(group)


def _feeder(key: str, number: int, groups: Sequence[Sequence[Building]]) -> AssetDraft:
    roofs = [building for group in groups for building in group]
    rated = _rating(sum(b.peak_kw for b in roofs))
    return _asset(
        "feeder", "F", key, f"Feeder {number + 1}", _middle(roofs), "", {"rated_kva": rated}, ("feeder_kw", "loading")
    )


def _transformer(key: str, feeder: str, group: Sequence[Building]) -> AssetDraft:
    rated = _rating(sum(b.peak_kw for b in group))
    name = f"Transformer {group[0].name}"
    return _asset("transformer", "T", key, name, _middle(group), feeder, {"rated_kva": rated}, ("feeder_kw", "loading"))


def _site(building: Building, transformer: str, rank: int) -> list[AssetDraft]:
    key = f"osm:w{building.way}:energy"
    charging = 22.0 * (2 + rank % 3) if rank % 5 == 2 else 0.0
    share = MANAGED if charging or rank % 7 == 3 else CONTRACT
    contracted = round(share * (building.peak_kw + 0.6 * charging), 1)
    fields = {"use": building.use, "peak_kw": building.peak_kw, "contracted_kw": contracted}
    name, at = building.name, building.centre
    site = [_asset("connection_point", "Q", key, name, at, transformer, fields, ("import_kw", "load_kw"))]
    if rank % 4 == 1:
        peak = round(min(0.25 * building.peak_kw + 10, 120.0), 1)
        site.append(
            _asset("pv_plant", "V", f"{key}:pv", f"PV {name}", _near(at, 1), key, {"peak_kw": peak}, ("generation_kw",))
        )
    if rank % 7 == 3:
        power = round(max(20.0, 0.3 * building.peak_kw), 0)
        fields = {"capacity_kwh": 2.5 * power, "power_kw": power}
        metrics = ("battery_kw", "soc")
        site.append(_asset("battery", "B", f"{key}:battery", f"Battery {name}", _near(at, 2), key, fields, metrics))
    for number in range(int(charging // 22)):
        charger = f"{key}:evse{number}"
        name_of = f"Charging point {number + 1} {name}"
        site.append(
            _asset("charger", "E", charger, name_of, _near(at, 3 + number), key, {"power_kw": 22.0}, ("charging_kw",))
        )
    return site


def _near(at: LonLat, number: int) -> LonLat:
    return at[0] + 0.00009 * number, at[1] - 0.00004 * number


def _asset(
    kind: str,
    prefix: str,
    key: str,
    name: str,
    at: LonLat,
    parent: str,
    fields: Mapping[str, object],
    metrics: Sequence[str],
) -> AssetDraft:
    return AssetDraft(
        kind=kind,
        prefix=prefix,
        external_id=key,
        name=name,
        points=(at,),
        parent=parent,
        estimated=True,
        fields=fields,
        engineering=dict(fields) | ({"tariff": TARIFF} if kind == "connection_point" else {}),
        device=DeviceDraft("senml", tuple(f"energy.{metric}" for metric in metrics), {"parent": parent, "key": key}),
    )
