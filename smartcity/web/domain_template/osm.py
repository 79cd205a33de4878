# SPDX-License-Identifier: Apache-2.0
"""Which map features become beds. No map knows valves, so all of it is estimated and stands in the demo only."""

from __future__ import annotations

from itertools import pairwise

from smartcity.kernel.geo import local_xy
from smartcity.kernel.imports import AssetDraft, DeviceDraft, MapWay, Town

GREEN = {"leisure": {"park", "garden"}, "landuse": {"grass", "flowerbed"}}
SMALLEST_M2, MOST = 300.0, 40
L_MIN_PER_M2 = 0.05
PROGRAMME = {"hour": 5, "minutes": 20}


def draft(town: Town, demo: bool) -> list[AssetDraft]:
    """The largest green areas, one bed each."""
    if not demo:
        return []
    areas = [(area_m2(way), way) for way in town.ways if way.is_area and _is_green(way)]
    largest = sorted((found for found in areas if found[0] >= SMALLEST_M2), key=lambda found: (-found[0], found[1].id))
    return [_bed(way, area) for area, way in largest[:MOST]]


def _is_green(way: MapWay) -> bool:
    return any(way.tags.get(key) in values for key, values in GREEN.items())


def area_m2(way: MapWay) -> float:
    """Of a closed way (shoelace formula)."""
    xy = [local_xy(way.points[0], point) for point in way.points]
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(xy))) / 2


def _bed(way: MapWay, area: float) -> AssetDraft:
    flow = round(min(400.0, max(10.0, area * L_MIN_PER_M2)), 1)
    corners = way.points[:-1]
    middle = (sum(p[0] for p in corners) / len(corners), sum(p[1] for p in corners) / len(corners))
    return AssetDraft(
        kind="bed",
        prefix="NEWDOMAIN",
        external_id=f"osm:w{way.id}:newdomain",
        name=way.tags.get("name", f"bed {way.id}"),
        points=(middle,),
        estimated=True,
        fields={"area_m2": round(area, 1), "flow_l_min": flow},
        engineering={"flow_l_min": flow, "programme": PROGRAMME},
        device=DeviceDraft("senml", ("newdomain.moisture", "newdomain.flow")),
    )
