# SPDX-License-Identifier: Apache-2.0
"""Where assets are, with the same answer on both engines: metres here are metres, and a box uses the spatial index.

`dwithin` is not used anywhere: it takes metres on SpatiaLite and degrees on PostGIS.
"""

from __future__ import annotations

from math import cos, radians
from typing import Any, TypeVar

from django.contrib.gis.geos import Polygon
from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from smartcity.devices.models import Asset
from smartcity.kernel import geo
from smartcity.kernel.imports import LonLat

A = TypeVar("A", bound=Asset)
Box = tuple[float, float, float, float]
INDEX = "SELECT pkid FROM idx_devices_asset_geom WHERE xmin <= %s AND xmax >= %s AND ymin <= %s AND ymax >= %s"


def in_box(rows: QuerySet[A], box: Box) -> QuerySet[A]:
    """Those that touch (west, south, east, north) in degrees.

    Not `bboverlaps`: on SpatiaLite it leaves out what the box is wholly inside of.
    """
    west, south, east, north = box
    area = Polygon.from_bbox(box)
    area.srid = 4326
    found = rows.filter(geom__intersects=area)
    if connections[rows.db].vendor == "sqlite":  # its planner does not use the index by itself
        found = found.filter(pk__in=RawSQL(INDEX, (east, west, north, south)))
    return found


def near(rows: QuerySet[A], point: LonLat, within_m: float) -> list[tuple[float, A]]:
    """(metres, asset) of those within reach, the nearest first. One query."""
    up = 1.01 * within_m / 111_000
    across = up / max(0.01, cos(radians(point[1])))
    box = (point[0] - across, point[1] - up, point[0] + across, point[1] + up)
    measured = [(geo.distance_to_line(point, outline(asset.geom)), asset) for asset in in_box(rows, box)]
    return sorted((pair for pair in measured if pair[0] <= within_m), key=lambda pair: (pair[0], pair[1].uid))


def outline(shape: Any) -> tuple[LonLat, ...]:
    """The points of a point or line."""
    coords = shape.coords
    return (coords,) if shape.geom_type == "Point" else tuple((x, y) for x, y, *_ in coords)
