# SPDX-License-Identifier: Apache-2.0
"""Distances and a metric grid without PROJ (a process with SpatiaLite open must not load it)."""

from __future__ import annotations

from itertools import pairwise
from math import asin, atan2, cos, degrees, hypot, radians, sin, sqrt

EARTH_M = 6_371_008.8
LonLat = tuple[float, float]


def metres(a: LonLat, b: LonLat) -> float:
    """Great-circle distance in metres (haversine, mean Earth radius)."""
    (lon1, lat1), (lon2, lat2) = a, b
    h = sin(radians(lat2 - lat1) / 2) ** 2
    h += cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * asin(sqrt(h))


def bearing(a: LonLat, b: LonLat) -> float:
    """Initial bearing from a to b in degrees clockwise from north, 0..360."""
    (lon1, lat1), (lon2, lat2) = a, b
    dlon = radians(lon2 - lon1)
    y = sin(dlon) * cos(radians(lat2))
    x = cos(radians(lat1)) * sin(radians(lat2)) - sin(radians(lat1)) * cos(radians(lat2)) * cos(dlon)
    return degrees(atan2(y, x)) % 360


def length(points: tuple[LonLat, ...]) -> float:
    """Length of a line in metres."""
    return sum(metres(a, b) for a, b in pairwise(points))


def local_xy(origin: LonLat, point: LonLat) -> tuple[float, float]:
    """Metres east and north of `origin`; equirectangular, better than 0.1 % within 20 km."""
    x = radians(point[0] - origin[0]) * EARTH_M * cos(radians(origin[1]))
    y = radians(point[1] - origin[1]) * EARTH_M
    return x, y


def distance_to_line(point: LonLat, line: tuple[LonLat, ...]) -> float:
    """Metres from a point to the nearest part of a line."""
    xy = [local_xy(point, p) for p in line]
    if len(xy) == 1:
        return hypot(*xy[0])
    return min(_to_segment(a, b) for a, b in pairwise(xy))


def _to_segment(a: tuple[float, float], b: tuple[float, float]) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    if dx == dy == 0:
        return hypot(*a)
    t = max(0.0, min(1.0, -(a[0] * dx + a[1] * dy) / (dx * dx + dy * dy)))
    return hypot(a[0] + t * dx, a[1] + t * dy)
