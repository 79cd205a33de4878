# SPDX-License-Identifier: Apache-2.0
"""Land and sea from coastlines: land lies to the left of a coastline's direction."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import Any

import shapely
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry
from shapely.ops import linemerge, polygonize, unary_union

STEP = 1e-6  # degrees beside the line at which land and sea are told apart, about 0.1 m
Shapes = list[BaseGeometry]


def land_and_sea(box: Any, coastlines: Sequence[BaseGeometry]) -> tuple[Shapes, Shapes]:
    """The box cut along its coastlines. Without any, all of it is land."""
    lines = [line for line in _merged(coastlines) if line.length > 0]
    if not lines:
        return [box], []
    reaching = [_to_the_edge(line, box.exterior) for line in lines]
    faces: Shapes = list(polygonize(unary_union([box.exterior, *reaching])))
    sea: Shapes = [face for face in faces if _is_sea(face, lines)]
    return [face for face in faces if face not in sea], sea


def _merged(coastlines: Sequence[BaseGeometry]) -> list[Any]:
    merged = linemerge([line for line in coastlines if isinstance(line, LineString)])
    return list(shapely.get_parts(merged))


def _to_the_edge(line: LineString, edge: Any) -> LineString:
    """A line cut off by the extract ends just inside its edge; lead it there, or no face would close."""
    if line.is_closed:
        return line
    ends = [Point(line.coords[0]), Point(line.coords[-1])]
    first, last = (edge.interpolate(edge.project(end)).coords[0] for end in ends)
    return LineString([first, *line.coords, last])


def _is_sea(face: BaseGeometry, lines: Sequence[LineString]) -> bool:
    """By the longest stretch of coast along the face: on whose side is it?"""
    shared = max((line for line in lines if face.distance(line) < STEP), key=lambda line: line.length, default=None)
    if shared is None:
        return False
    votes = 0
    for a, b in zip(shared.coords, shared.coords[1:], strict=False):
        length = hypot(b[0] - a[0], b[1] - a[1])
        if length == 0:
            continue
        x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
        dx, dy = STEP * (b[0] - a[0]) / length, STEP * (b[1] - a[1]) / length
        votes += face.contains(Point(x + dy, y - dx)) - face.contains(Point(x - dy, y + dx))
    return votes > 0
