# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.devices import osm_roads


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("50", 50),
        ("30 mph", 48.28),
        ("30mph", 48.28),
        ("FI:urban", 50),
        ("RO:urban", 50),
        ("DE:zone:30", 30),
        ("DE:zone30", 30),
        ("walk", 7),
        ("none", 130),
        ("60;40", 40),
        ("80 km/h", 80),
        ("signals", None),
        ("", None),
        ("0", None),
        ("-30", None),
        ("9000", None),
        ("fast", None),
    ],
)
def test_speed_limits_are_read_as_people_write_them(tag, expected):
    assert osm_roads.kmh(tag) == (expected if expected is None else pytest.approx(expected, abs=0.01))


@given(st.text())
def test_any_text_is_a_speed_or_nothing(text):
    speed = osm_roads.kmh(text)
    assert speed is None or 0 < speed <= osm_roads.WALL_KMH


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"highway": "residential"}, (True, True)),
        ({"highway": "residential", "oneway": "yes"}, (True, False)),
        ({"highway": "residential", "oneway": "-1"}, (False, True)),
        ({"highway": "tertiary", "junction": "roundabout"}, (True, False)),
        ({"highway": "motorway"}, (True, False)),
        ({"highway": "motorway", "oneway": "no"}, (True, True)),
        ({"highway": "primary", "oneway": "yes", "oneway:motor_vehicle": "no"}, (True, True)),
    ],
)
def test_one_way_is_tagged_or_implied(tags, expected):
    assert osm_roads.directions(tags) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"highway": "residential"}, True),
        ({"highway": "residential", "access": "private"}, False),
        ({"highway": "residential", "access": "no", "motor_vehicle": "destination"}, True),
        ({"highway": "service", "access": "no", "bus": "yes"}, False),
        ({"highway": "service", "motor_vehicle": "agricultural;forestry"}, False),
        ({"highway": "pedestrian"}, False),
        ({"highway": "pedestrian", "motor_vehicle": "delivery"}, True),
        ({"highway": "track"}, False),
        ({"highway": "footway"}, False),
        ({"highway": "primary", "oneway": "reversible"}, False),
        ({"highway": "construction"}, False),
    ],
)
def test_the_most_specific_access_tag_decides(tags, expected):
    assert osm_roads.is_open_to_cars(tags) is expected


def test_a_class_of_road_has_a_usual_speed_and_direction_its_own():
    tags = {"highway": "residential", "maxspeed": "40", "maxspeed:backward": "20"}
    assert osm_roads.speed_ms(tags, forward=True) * 3.6 == pytest.approx(40)
    assert osm_roads.speed_ms(tags, forward=False) * 3.6 == pytest.approx(20)
    assert osm_roads.speed_ms({"highway": "service"}, forward=True) * 3.6 == pytest.approx(20)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, 1),
        ({"lanes": "4"}, 2),
        ({"lanes": "3", "oneway": "yes"}, 3),
        ({"lanes": "3", "lanes:forward": "2"}, 2),
        ({"lanes": "many"}, 1),
        ({"lanes": "²"}, 1),
    ],
)
def test_lanes_are_counted_for_one_direction(tags, expected):
    assert osm_roads.lanes({"highway": "primary", **tags}, forward=True) == expected
