# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from smartcity.kernel.imports import Turn
from tests.waste.build import piece, roads
from waste.roads import Place, Roads


def test_the_matrix_is_what_the_way_takes():
    town = roads()
    places = [Place(number, share, 0.0) for number, share in ((0, 0.2), (7, 0.9), (0, 0.1), (30, 0.5))]
    seconds, metres = town.matrix(places)
    for (i, a), (j, b) in product(enumerate(places), repeat=2):
        way = town.way(a, b)
        assert way.seconds == pytest.approx(seconds[i, j]) and way.length_m == pytest.approx(metres[i, j])


def test_going_back_behind_oneself_means_driving_round():
    seconds, metres = roads().matrix([Place(0, 0.5, 0.0), Place(0, 0.4, 0.0)])
    assert metres[0, 1] > 111 and metres[1, 0] == pytest.approx(11.1)
    assert seconds[0, 0] == 0


def test_a_forbidden_turn_costs_a_detour():
    town = roads()
    numbers = {(p.tail, p.head): number for number, p in enumerate(town.pieces)}
    first, second = numbers[0, 100], numbers[100, 200]
    barred = roads([Turn(town.pieces[first].way, 100, town.pieces[second].way)])
    stops = [Place(first, 0.5, 0.0), Place(second, 0.5, 0.0)]
    assert barred.matrix(stops)[1][0, 1] > 2 * town.matrix(stops)[1][0, 1]


def test_a_stop_lies_on_the_right_hand_side():
    town = roads()
    north_of_street = (24.901, 60.10002)
    driven = town.pieces[town.snap(north_of_street).piece]
    assert driven.points[0][0] > driven.points[1][0], "westwards, the stop is on the right"


def test_a_piece_nobody_can_leave_is_never_a_stop():
    trap = piece(99, (0, 0), (0, 0))
    alone = Roads([*roads().pieces, trap.__class__(99, 1, 777, ((24.8999, 60.0999), (24.8, 60.0999)), 500, 13.9)])
    place = alone.snap((24.85, 60.0999))
    assert alone.pieces[place.piece].way != 99 and place.off_m > 1000


def test_a_town_without_roads_is_said_so():
    with pytest.raises(ValueError, match="no drivable road"):
        Roads([])


def test_points_of_a_way_are_in_time_order_and_end_where_the_stop_is():
    way = roads().way(Place(0, 0.25, 0.0), Place(20, 0.75, 0.0))
    assert np.all(np.diff(way.at_s) >= 0) and way.at_s[0] == 0 and way.streets
