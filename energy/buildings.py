# SPDX-License-Identifier: Apache-2.0
"""What the map says of buildings: which are the city's own places, by their tags, and which are somebody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smartcity.kernel.geo import local_xy
from smartcity.kernel.imports import LonLat, MapNode, MapWay, Town

SMALLEST_M2 = 350.0  # of ground, for a building to count as a load
SMALLEST_SITE_M2 = 150.0
STOREYS, MOST_STOREYS = 4.0, 8.0  # where the map says none, and the most that are believed
BARE_SHARE, BARE_MOST_M2 = 0.2, 6000.0  # floor of a place whose buildings are not mapped, of its ground
CELL_M = 200.0
XY = tuple[float, float]

# Tag → value → how the place is used. What belongs to the state, a church or a company is not here.
PUBLIC: Mapping[str, Mapping[str, str]] = {
    "amenity": {
        "school": "school", "kindergarten": "school", "childcare": "school", "college": "school",
        "townhall": "office", "community_centre": "office", "public_building": "office",
        "library": "culture", "theatre": "culture",
        "hospital": "hospital", "nursing_home": "hospital",
        "public_bath": "sports", "fire_station": "depot", "bus_station": "depot", "waste_transfer_station": "depot",
    },
    "building": {
        "school": "school", "kindergarten": "school", "public": "office", "civic": "office", "government": "office",
        "hospital": "hospital", "museum": "culture", "sports_hall": "sports", "sports_centre": "sports",
        "fire_station": "depot", "depot": "depot",
    },
    "leisure": {"sports_centre": "sports", "sports_hall": "sports", "ice_rink": "sports", "stadium": "sports"},
    "tourism": {"museum": "culture"},
    "landuse": {"depot": "depot"},
    "industrial": {"depot": "depot", "bus_depot": "depot"},
    "railway": {"depot": "depot"},
    "emergency": {"ambulance_station": "depot"},
    "man_made": {"wastewater_plant": "depot", "water_works": "depot"},
}  # fmt: skip
NOT_THE_CITYS = {"private", "business", "religious", "community", "ngo", "consortium"}
USES = {
    "school": "school", "university": "school", "retail": "retail", "commercial": "retail", "supermarket": "retail",
    "apartments": "housing", "residential": "housing", "house": "housing", "block": "housing", "hotel": "housing",
    "church": "culture", "place_of_worship": "culture", "hospital": "hospital", "industrial": "depot",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Building:
    """A roof: ground and floor over all storeys in m², and how it is used where it is somebody else's."""

    way: int
    centre: LonLat
    ground_m2: float
    floor_m2: float
    use: str


@dataclass(frozen=True, slots=True)
class Place:
    """One of the city's own, with all its buildings; `key` is that of the map feature that names it."""

    key: str
    name: str
    centre: LonLat
    floor_m2: float
    use: str


def places(town: Town, roofs: Sequence[Building]) -> tuple[list[Place], set[int]]:
    """The city's own places, largest first, and the ways of the buildings on them.

    An area takes the buildings whose middle it holds; a tagged point takes one storey of the building it stands in.
    """
    origin, near = town.bounds[:2], _Near(town.bounds, roofs)
    found: list[Place] = []
    taken: set[int] = set()
    tagged = [way for way in town.ways if way.is_area and len(way.points) > 3 and public_use(way.tags)]
    for way in sorted(tagged, key=lambda way: (-_area(_ring(way, origin)), way.id)):
        ring = _ring(way, origin)
        inside = [roof for roof in near.within(ring) if roof.way not in taken]
        if not inside and any(_holds(ring, local_xy(origin, place.centre)) for place in found):
            continue  # its buildings are on a larger one's ground
        floor = sum(roof.floor_m2 for roof in inside) or min(BARE_SHARE * _area(ring), BARE_MOST_M2)
        taken |= {roof.way for roof in inside}
        found.append(Place(f"osm:w{way.id}", named(way), middle(way.points[:-1]), floor, public_use(way.tags)))
    ways = {way.id: way for way in town.ways}
    for node in town.nodes:
        roof = near.over(node.point) if public_use(node.tags) else None
        if roof is not None and roof.way not in taken and _holds(_ring(ways[roof.way], origin), near.xy(node.point)):
            taken.add(roof.way)
            found.append(Place(f"osm:n{node.id}", named(node), node.point, roof.ground_m2, public_use(node.tags)))
    large = [place for place in found if place.floor_m2 >= SMALLEST_SITE_M2]
    return sorted(large, key=lambda place: (-place.floor_m2, place.key)), taken


def roofs(town: Town) -> list[Building]:
    """Every mapped building that counts, by its way's id."""
    found = []
    for way in town.ways:
        if "building" in way.tags and way.is_area:
            ground = _area(_ring(way, town.bounds[:2]))
            if ground >= SMALLEST_M2:
                floor = ground * min(_storeys(way.tags), MOST_STOREYS)
                found.append(Building(way.id, middle(way.points[:-1]), ground, floor, _use(way.tags, way.id)))
    return sorted(found, key=lambda roof: roof.way)


def public_use(tags: Mapping[str, str]) -> str:
    """How a place of the city is used, by its tags; '' for one that is not the city's."""
    if tags.get("operator:type") in NOT_THE_CITYS or "brand" in tags or tags.get("sport") == "fitness":
        return ""
    return next((uses[tags[key]] for key, uses in PUBLIC.items() if tags.get(key) in uses), "")


def named(feature: MapWay | MapNode) -> str:
    """Its name, else its address, else what it is."""
    tags = feature.tags
    street = f"{tags.get('addr:street', '')} {tags.get('addr:housenumber', '')}".strip()
    kind = next((tags[key] for key in PUBLIC if tags.get(key) in PUBLIC[key]), "building")
    return tags.get("name") or street or f"{kind.replace('_', ' ').capitalize()} {feature.id}"


def middle(points: Sequence[LonLat]) -> LonLat:
    return sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)


def _storeys(tags: Mapping[str, str]) -> float:
    said = tags.get("building:levels", "")
    return float(said) if said.replace(".", "", 1).isdigit() else STOREYS


def _use(tags: Mapping[str, str], number: int) -> str:
    for key in ("building", "amenity", "shop"):
        if tags.get(key) in USES:
            return USES[tags[key]]
    return "retail" if "shop" in tags else ("office", "office", "retail", "housing")[number % 4]


def _ring(way: MapWay, origin: Sequence[float]) -> list[XY]:
    return [local_xy((origin[0], origin[1]), point) for point in way.points]


def _area(ring: Sequence[XY]) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))) / 2


def _holds(ring: Sequence[XY], point: XY) -> bool:
    """Whether a point lies within a closed ring: how often a ray to the east crosses it."""
    x, y = point
    crossed = False
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            crossed = not crossed
    return crossed


class _Near:
    """Buildings by cells of 200 m."""

    def __init__(self, bounds: Sequence[float], roofs: Iterable[Building]) -> None:
        self.origin = bounds[0], bounds[1]
        self.cells: dict[tuple[int, int], list[Building]] = defaultdict(list)
        for roof in roofs:
            self.cells[self._cell(self.xy(roof.centre))].append(roof)

    def xy(self, point: LonLat) -> XY:
        return local_xy(self.origin, point)

    def within(self, ring: Sequence[XY]) -> list[Building]:
        """Those whose middle the ring holds."""
        low, high = (self._cell((end(x for x, _ in ring), end(y for _, y in ring))) for end in (min, max))
        cells = [(x, y) for x in range(low[0], high[0] + 1) for y in range(low[1], high[1] + 1)]
        found = [roof for cell in cells for roof in self.cells.get(cell, ())]
        return [roof for roof in found if _holds(ring, self.xy(roof.centre))]

    def over(self, point: LonLat) -> Building | None:
        """The one whose middle is nearest, within a cell's width."""
        x, y = self.xy(point)
        cx, cy = self._cell((x, y))
        near = [roof for dx in (-1, 0, 1) for dy in (-1, 0, 1) for roof in self.cells.get((cx + dx, cy + dy), ())]
        return min(near, key=lambda roof: (_far((x, y), self.xy(roof.centre)), roof.way), default=None)

    def _cell(self, xy: XY) -> tuple[int, int]:
        return int(xy[0] // CELL_M), int(xy[1] // CELL_M)


def _far(a: XY, b: XY) -> float:
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2
