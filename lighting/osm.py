# SPDX-License-Identifier: Apache-2.0
"""Which map features become luminaires and lit segments; for the demo also what the map is silent about.

Stated rules: the lighting class by the kind of street, two classes lower at least, rated power and base programme by
the class, 700 vehicles an hour for each lane.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import ceil, floor

from lighting.classes import below, share
from smartcity.kernel.geo import distance_to_line, local_xy, metres
from smartcity.kernel.imports import AssetDraft, DeviceDraft, LonLat, MapWay, Town

METRICS = ("lighting.dim_level", "lighting.power_w", "lighting.fault")
NORMAL = {
    "motorway": "M2", "trunk": "M2", "primary": "M3", "secondary": "M3", "tertiary": "M4", "unclassified": "M5",
    "residential": "M5", "living_street": "P4", "service": "P4", "pedestrian": "P3", "footway": "P4", "path": "P5",
    "cycleway": "P4", "steps": "P4", "track": "P5",
}  # fmt: skip
RATED_W = {"M2": 140.0, "M3": 100.0, "M4": 75.0, "M5": 60.0, "P3": 50.0, "P4": 38.0, "P5": 30.0}
ESTIMATED_ON = ("primary", "secondary", "tertiary")
SPACING_M, REACH_M, CELL_M = 38.0, 35.0, 120.0
PROGRAMME = {"M": [[16, 100], [22, 75], [0, 50], [5, 75], [6, 100]], "P": [[16, 100], [23, 60], [5, 100]]}
Cell = tuple[int, int]


def programme(normal: str) -> list[list[int]]:
    """The base programme of a street of this class: steps of [local hour, %], none below its minimum class."""
    least = 5 * ceil(share(below(normal, 2), normal) / 5)
    return [[hour, max(level, least)] for hour, level in PROGRAMME[normal[0]]]


def draft(town: Town, demo: bool) -> list[AssetDraft]:
    """Mapped street lamps and their segments; with `demo` also lamps every 38 m on main streets that have none.

    Without it classes, power and programme are left out: no map knows them.
    """
    ways = [way for way in town.ways if way.tags.get("highway") in NORMAL and len(way.points) > 1 and not way.is_area]
    grid = _Grid(town.bounds[:2], ways)
    lamps = [(f"osm:n{node.id}", node.point, False) for node in town.nodes if node.tags.get("highway") == "street_lamp"]
    if demo:
        lamps += _estimated(ways, [point for _, point, _ in lamps])
    on_way: dict[int, list[tuple[str, LonLat, bool]]] = defaultdict(list)
    for lamp in lamps:
        way = grid.nearest(lamp[1])
        if way is not None:
            on_way[way.id].append(lamp)
    by_id = {way.id: way for way in ways}
    return [asset for way_id, found in on_way.items() for asset in _segment(by_id[way_id], found, demo=demo)]


class _Grid:
    """Ways by cells of 120 m; a nearest look-up touches nine cells."""

    def __init__(self, origin: Sequence[float], ways: Iterable[MapWay]) -> None:
        self.origin = (origin[0], origin[1])
        self.cells: dict[Cell, dict[int, MapWay]] = defaultdict(dict)
        for way in ways:
            for point in _every(way.points, CELL_M / 2):
                self.cells[self._cell(point)][way.id] = way

    def _cell(self, point: LonLat) -> Cell:
        x, y = local_xy(self.origin, point)
        return floor(x / CELL_M), floor(y / CELL_M)

    def nearest(self, point: LonLat) -> MapWay | None:
        """The nearest way within 35 m; carriageways win over paths at up to 10 m more."""
        cx, cy = self._cell(point)
        near = {w.id: w for x in (-1, 0, 1) for y in (-1, 0, 1) for w in self.cells.get((cx + x, cy + y), {}).values()}
        ranked = [
            (distance_to_line(point, w.points) + 10 * (NORMAL[w.tags["highway"]][0] == "P"), w) for w in near.values()
        ]
        best = min(ranked, key=lambda pair: (pair[0], pair[1].id), default=None)
        return best[1] if best and best[0] <= REACH_M + 10 else None


def _is_path(way: MapWay) -> bool:
    return NORMAL[way.tags["highway"]].startswith("P")


def _segment(way: MapWay, lamps: list[tuple[str, LonLat, bool]], *, demo: bool) -> list[AssetDraft]:
    highway = way.tags["highway"]
    key = f"osm:w{way.id}:lighting"
    name = way.tags.get("name") or highway.replace("_", " ").capitalize()
    design = _design(NORMAL[highway], way.tags) if demo else {}
    unknown = {"normal_class": "", "minimum_class": "", "lanes": _mapped_lanes(way.tags), "capacity": None}
    segment = AssetDraft(
        kind="lighting_segment",
        prefix="S",
        external_id=key,
        name=name,
        points=way.points,
        fields={**(design or unknown), "highway": highway},
        engineering=design,
    )
    fitting = _fitting(NORMAL[highway]) if demo else {}
    return [segment, *(_luminaire(key, name, fitting, lamp) for lamp in lamps)]


def _design(normal: str, tags: Mapping[str, str]) -> Mapping[str, object]:
    lanes = _lanes(tags)
    return {"normal_class": normal, "minimum_class": below(normal, 2), "lanes": lanes, "capacity": 700.0 * lanes}


def _fitting(normal: str) -> Mapping[str, object]:
    classes = {"normal_class": normal, "minimum_class": below(normal, 2), "programme": programme(normal)}
    return {**classes, "power_w": RATED_W[normal]}


def _luminaire(segment: str, street: str, fitting: Mapping[str, object], lamp: tuple[str, LonLat, bool]) -> AssetDraft:
    external_id, point, estimated = lamp
    return AssetDraft(
        kind="luminaire",
        prefix="L",
        external_id=external_id,
        name=street,
        points=(point,),
        parent=segment,
        estimated=estimated,
        fields={"power_w": fitting.get("power_w")},
        engineering=fitting,
        device=DeviceDraft("senml", METRICS, {"segment": segment}),
    )


def _estimated(ways: list[MapWay], mapped: list[LonLat]) -> list[tuple[str, LonLat, bool]]:
    """Lamps every 38 m along main streets, except within 45 m of a mapped lamp or 30 m of an estimated one."""
    found: list[tuple[str, LonLat, bool]] = []
    for way in ways:
        if way.tags["highway"] not in ESTIMATED_ON or way.tags.get("lit") == "no" or way.tags.get("tunnel") == "yes":
            continue
        for number, point in enumerate(_every(way.points, SPACING_M)):
            is_free = all(metres(point, other) > 45 for other in mapped)
            if is_free and all(metres(point, other) > 30 for _, other, _ in found):
                found.append((f"estimate:w{way.id}:{number}", point, True))
    return found


def _every(points: Sequence[LonLat], step_m: float) -> list[LonLat]:
    """Points along a line, one each `step_m`, the first included."""
    found, carried = [points[0]], 0.0
    for a, b in pairwise(points):
        size = metres(a, b)
        at = step_m - carried
        while at <= size:
            found.append((a[0] + (b[0] - a[0]) * at / size, a[1] + (b[1] - a[1]) * at / size))
            at += step_m
        carried = size - (at - step_m)
    return found


def _mapped_lanes(tags: Mapping[str, str]) -> int | None:
    lanes = tags.get("lanes", "")
    return max(1, min(8, int(lanes))) if lanes.isdigit() else None


def _lanes(tags: Mapping[str, str]) -> int:
    return _mapped_lanes(tags) or (1 if tags.get("oneway") == "yes" else 2)
