# SPDX-License-Identifier: Apache-2.0
"""Which map features are drawn, as what."""

from __future__ import annotations

import re
from collections.abc import Mapping

PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
PARKS = {
    "leisure": {"park", "garden", "playground", "pitch", "golf_course", "nature_reserve", "dog_park", "common"},
    "landuse": {"grass", "forest", "cemetery", "recreation_ground", "village_green", "meadow", "allotments", "orchard"},
    "natural": {"wood", "grassland", "scrub", "heath", "beach"},
    "amenity": {"grave_yard"},
}
WATERS = {"natural": {"water", "bay"}, "landuse": {"reservoir", "basin"}, "waterway": {"riverbank", "dock"}}
RAILS = {"rail", "light_rail", "subway", "narrow_gauge", "funicular", "monorail"}
SQUARES = {"pedestrian", "footway", "service", "residential", "living_street"}
PLACES = {"borough", "suburb", "quarter", "neighbourhood", "village", "hamlet", "island", "square"}
STREAMS = {"river", "canal", "stream"}
NOT_THERE = {"construction", "proposed", "abandoned", "razed", "platform", "corridor", "elevator", "no", "services"}


def other_tags(text: str | None) -> dict[str, str]:
    """GDAL's `"key"=>"value"` list."""
    return dict(PAIR.findall(text or ""))


def of_area(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """(layer, kind) of a polygon, or None where it is not drawn."""
    if tags.get("building", "no") != "no":
        return "building", tags["building"]
    for layer, table in (("water", WATERS), ("park", PARKS)):
        for key, values in table.items():
            if tags.get(key) in values:
                return layer, tags[key]
    if tags.get("highway") in SQUARES:
        return "road", tags["highway"]
    return ("pier", "pier") if tags.get("man_made") == "pier" else None


def of_line(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """(layer, kind) of a line; a road's kind is its class, a slip road that of the road it serves."""
    highway, railway = tags.get("highway", ""), tags.get("railway", "")
    if highway and highway not in NOT_THERE:
        return "road", highway.removesuffix("_link")
    if railway == "tram":
        return "tram", railway
    if railway in RAILS and not (railway == "subway" and tags.get("tunnel", "no") != "no"):
        return "rail", railway
    if tags.get("waterway") in STREAMS and "tunnel" not in tags:
        return "water", tags["waterway"]
    return ("pier", "pier") if tags.get("man_made") == "pier" else None


def of_point(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """(layer, kind) of a point: only named places are written on the map."""
    return ("place", tags["place"]) if tags.get("place") in PLACES and tags.get("name") else None
