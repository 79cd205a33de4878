# SPDX-License-Identifier: Apache-2.0
"""Parts of a town from its named places: everything belongs to the nearest one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians

from django.utils.text import slugify

from smartcity.kernel import geo
from smartcity.kernel.imports import LonLat, Town

PLACES = {"borough", "suburb", "quarter", "neighbourhood", "town", "village", "hamlet"}
Ring = tuple[LonLat, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A named place and the cell of the extract that lies nearest to it (closed ring)."""

    code: str
    name: str
    centre: LonLat
    ring: Ring


def parts(town: Town) -> tuple[Part, ...]:
    """One part per named place inside the extract; a town without any is one part called the centre."""
    west, south, east, north = town.bounds
    box = ((west, south), (east, south), (east, north), (west, north))
    places = {
        node.point: node
        for node in town.nodes
        if node.tags.get("place") in PLACES and node.tags.get("name") and _inside(node.point, town.bounds)
    }
    if not places:
        middle = ((west + east) / 2, (south + north) / 2)
        return (Part("centre", "Centre", middle, (*box, box[0])),)
    codes = _codes([(node.tags["name"], node.id) for node in places.values()])
    return tuple(
        Part(code, node.tags["name"], node.point, _cell(node.point, list(places), box))
        for code, node in zip(codes, places.values(), strict=True)
    )


def nearest(found: Sequence[Part], point: LonLat) -> Part:
    return min(found, key=lambda part: geo.metres(part.centre, point))


def _inside(point: LonLat, bounds: tuple[float, float, float, float]) -> bool:
    west, south, east, north = bounds
    return west <= point[0] <= east and south <= point[1] <= north


def _codes(names: Sequence[tuple[str, int]]) -> list[str]:
    """Short names fit for a URL, each once; a script without Latin letters falls back to the map's number."""
    taken: set[str] = set()
    codes = []
    for name, ref in names:
        code = slugify(name)[:40] or f"zone-{ref}"
        code = f"{code[:20]}-{ref}" if code in taken else code
        taken.add(code)
        codes.append(code)
    return codes


def _cell(centre: LonLat, centres: Sequence[LonLat], box: Ring) -> Ring:
    """The Voronoi cell of a centre within the box: cut once along the bisector with every other centre."""
    narrow = cos(radians(centre[1]))
    ring = list(box)
    for other in centres:
        if other != centre:
            ring = _nearer(ring, centre, other, narrow)
    return (*ring, ring[0])


def _nearer(ring: list[LonLat], a: LonLat, b: LonLat, narrow: float) -> list[LonLat]:
    """Cut a convex ring to the side of a (Sutherland-Hodgman); `narrow` scales longitudes to latitudes."""

    def lead(p: LonLat) -> float:
        to_a = ((p[0] - a[0]) * narrow) ** 2 + (p[1] - a[1]) ** 2
        return ((p[0] - b[0]) * narrow) ** 2 + (p[1] - b[1]) ** 2 - to_a

    kept: list[LonLat] = []
    for start, end in zip(ring, ring[1:] + ring[:1], strict=True):
        s, e = lead(start), lead(end)
        if s >= 0:
            kept.append(start)
        if s * e < 0:
            t = s / (s - e)
            kept.append((start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])))
    return kept
