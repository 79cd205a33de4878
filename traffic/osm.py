# SPDX-License-Identifier: Apache-2.0
"""From map features to traffic assets: signals become intersections, roads into them approaches."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from smartcity.kernel.geo import distance_to_line, metres
from smartcity.kernel.imports import AssetDraft, DeviceDraft, LonLat, Town
from traffic import metrics
from traffic.codecs import DETECTOR
from traffic.event_codec import SIGNAL
from traffic.junctions import Approach, Junction, find

MIN_GREEN_S = 5.0
MAX_RED_S = 120.0
SAMPLE_M, ALONG_M = 15.0, 60.0
TRACK_M = 14.0  # from the carriageway's middle line to a track beside it
PEAK_PER_LANE = {"primary": 420, "secondary": 320, "tertiary": 220, "residential": 90}
COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


def draft(town: Town, demo: bool) -> list[AssetDraft]:
    """Intersections first, then their approaches.

    Minimum green, maximum red, and lanes and speed a way does not state, are estimated for the demo only: without a
    timing sheet no junction is ever automatic.
    """
    found: list[AssetDraft] = []
    tracks = [way.points for way in town.ways if way.tags.get("railway") == "tram"]
    for junction in find(town):
        external = f"osm:signals:{junction.signals[0]}"
        trams = [has_tram(approach, tracks) for approach in junction.approaches]
        found.append(_intersection(junction, external, has_trams=any(trams), demo=demo))
        approaches = zip(junction.approaches, trams, strict=True)
        found += [_approach(a, external, tram=tram, demo=demo) for a, tram in approaches]
    return found


def has_tram(approach: Approach, tracks: Sequence[tuple[LonLat, ...]]) -> bool:
    """Whether tram tracks run along the last ALONG_M before the stop line."""
    return all(any(distance_to_line(point, track) < TRACK_M for track in tracks) for point in _last(approach.line))


def _last(line: tuple[LonLat, ...]) -> list[LonLat]:
    """Points of a line every SAMPLE_M over its last ALONG_M, the end first."""
    found, gone, wanted = [line[-1]], 0.0, SAMPLE_M
    for end, start in pairwise(reversed(line)):
        step = metres(start, end)
        while step and wanted <= min(gone + step, ALONG_M):
            part = (wanted - gone) / step
            found.append((end[0] + (start[0] - end[0]) * part, end[1] + (start[1] - end[1]) * part))
            wanted += SAMPLE_M
        gone += step
    return found


def _intersection(junction: Junction, external: str, *, has_trams: bool, demo: bool) -> AssetDraft:
    ways = sorted({road.way for approach in junction.approaches for road in approach.roads[:2]})
    sent = (metrics.FLOW, *metrics.SIGNAL, *(metrics.TRAM if has_trams else ()))
    return AssetDraft(
        kind="intersection",
        prefix="K",
        external_id=external,
        name=" / ".join(junction.streets[:2]) or f"signals {junction.signals[0]}",
        points=(junction.point,),
        fields={"signal_nodes": list(junction.signals), "ways": ways, "streets": list(junction.streets)},
        engineering={"min_green_s": MIN_GREEN_S, "max_red_s": MAX_RED_S} if demo else {},
        device=DeviceDraft(SIGNAL.name, tuple(m.name for m in sent), {"ways": ways}),
    )


def _approach(approach: Approach, parent: str, *, tram: bool, demo: bool) -> AssetDraft:
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
            "lanes": stop.lanes if demo or "lanes" in stop.tags else None,
            "length_m": round(approach.length_m, 1),
            "speed_kmh": round(stop.speed_ms * 3.6) if demo or "maxspeed" in stop.tags else None,
            "ways": ways,
        },
        device=DeviceDraft(
            DETECTOR.name,
            tuple(m.name for m in metrics.DETECTOR),
            {
                "ways": ways,
                "stop": list(approach.line[-1]),
                "heading": round(approach.heading, 1),
                "tram": tram,
                "peak_flow": PEAK_PER_LANE.get(stop.highway, 150) * stop.lanes,
            },
        ),
    )


def came_from(heading: float) -> str:
    """The compass side a driver with this heading comes from."""
    return COMPASS[round(((heading + 180) % 360) / 45) % 8]
