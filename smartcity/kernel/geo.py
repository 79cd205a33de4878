# SPDX-License-Identifier: Apache-2.0
"""Distances and a metric grid without PROJ (a process with SpatiaLite open must not load it)."""

from __future__ import annotations

from itertools import pairwise
from math import asin, atan2, cos, degrees, radians, sin, sqrt

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
    lon, lat = point
    north = radians(1) * EARTH_M
    east = north * cos(radians(lat))
    ax, ay = (line[0][0] - lon) * east, (line[0][1] - lat) * north
    least = ax * ax + ay * ay
    for p in line[1:]:
        bx, by = (p[0] - lon) * east, (p[1] - lat) * north
        dx, dy = bx - ax, by - ay
        along = -(ax * dx + ay * dy)  # of the foot from a; no farther than a where it is negative
        size = dx * dx + dy * dy
        if along > 0:
            t = along / size if along < size else 1.0
            x, y = ax + t * dx, ay + t * dy
            least = min(least, x * x + y * y)
        ax, ay = bx, by
    return sqrt(least)
