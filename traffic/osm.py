# SPDX-License-Identifier: Apache-2.0
"""From map features to traffic assets: signals become intersections, roads into them approaches."""

from __future__ import annotations

from smartcity.kernel.imports import AssetDraft, DeviceDraft, Town
from traffic import metrics
from traffic.codecs import DETECTOR
from traffic.junctions import Approach, Junction, find

MIN_GREEN_S = 5.0
MAX_RED_S = 120.0
PEAK_PER_LANE = {"primary": 420, "secondary": 320, "tertiary": 220, "residential": 90}
COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


def draft(town: Town, demo: bool) -> list[AssetDraft]:
    """Intersections first, then their approaches. Nothing is estimated but the lanes a way does not state."""
    del demo
    found: list[AssetDraft] = []
    for junction in find(town):
        external = f"osm:signals:{junction.signals[0]}"
        found.append(_intersection(junction, external))
        found += [_approach(approach, external) for approach in junction.approaches]
    return found


def _intersection(junction: Junction, external: str) -> AssetDraft:
    ways = sorted({road.way for approach in junction.approaches for road in approach.roads[:2]})
    return AssetDraft(
        kind="intersection",
        prefix="K",
        external_id=external,
        name=" / ".join(junction.streets[:2]) or f"signals {junction.signals[0]}",
        points=(junction.point,),
        fields={"signal_nodes": list(junction.signals), "ways": ways, "streets": list(junction.streets)},
        engineering={"min_green_s": MIN_GREEN_S, "max_red_s": MAX_RED_S},
        device=DeviceDraft("senml", tuple(m.name for m in (metrics.FLOW, *metrics.SIGNAL)), {"ways": ways}),
    )


def _approach(approach: Approach, parent: str) -> AssetDraft:
    stop = approach.roads[0]
    ways = list(dict.fromkeys(road.way for road in approach.roads))
    return AssetDraft(
        kind="approach",
        prefix="A",
        external_id=f"{parent.replace('signals', 'approach')}:{stop.way}:{stop.tail}:{stop.head}",
        name=f"{approach.name} from {came_from(approach.heading)}",
        points=approach.line,
        parent=parent,
        fields={
            "heading": round(approach.heading, 1),
            "lanes": stop.lanes,
            "length_m": round(approach.length_m, 1),
            "speed_kmh": round(stop.speed_ms * 3.6),
            "ways": ways,
        },
        device=DeviceDraft(
            DETECTOR.name,
            tuple(m.name for m in metrics.DETECTOR),
            {
                "ways": ways,
                "stop": list(approach.line[-1]),
                "heading": round(approach.heading, 1),
                "peak_flow": PEAK_PER_LANE.get(stop.highway, 150) * stop.lanes,
            },
        ),
    )


def came_from(heading: float) -> str:
    """The compass side a driver with this heading comes from."""
    return COMPASS[round(((heading + 180) % 360) / 45) % 8]
