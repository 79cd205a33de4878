# SPDX-License-Identifier: Apache-2.0
"""Land lies to the left of a coastline."""

from __future__ import annotations

import pytest
from shapely.geometry import LineString, Point, box

from smartcity.basemap import coast

BOX = box(0, 0, 1, 1)
NORTH, SOUTH = Point(0.5, 0.9), Point(0.5, 0.1)


def covers(shapes, point):
    return any(shape.contains(point) for shape in shapes)


@pytest.mark.parametrize("reach", [0.0, 0.02])  # cut at the edge of the extract, or a little short of it
def test_a_coast_from_west_to_east_has_land_in_the_north(reach):
    land, sea = coast.land_and_sea(BOX, [LineString([(reach, 0.5), (1 - reach, 0.5)])])
    assert covers(land, NORTH) and not covers(land, SOUTH)
    assert covers(sea, SOUTH) and not covers(sea, NORTH)


def test_a_coast_mapped_in_pieces_is_one_coast():
    pieces = [LineString([(0.4, 0.5), (0, 0.5)]), LineString([(1, 0.5), (0.4, 0.5)])]
    land, sea = coast.land_and_sea(BOX, pieces)
    assert covers(land, SOUTH) and covers(sea, NORTH)


def test_an_island_is_land_in_the_sea():
    ring = LineString([(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), (0.4, 0.4)])
    land, sea = coast.land_and_sea(BOX, [ring])
    assert covers(land, Point(0.5, 0.5)) and covers(sea, NORTH)


def test_a_town_without_a_coast_is_all_land():
    assert coast.land_and_sea(BOX, []) == ([BOX], [])
