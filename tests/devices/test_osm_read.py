# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from smartcity.devices import osm_read
from smartcity.kernel.imports import Turn
from tests.devices.maps import SQUARE, osm

KREMS = Path(__file__).resolve().parents[3] / "shared/data/waste/krems/krems.osm.gz"
STREET = {"highway": "residential"}
CROSS = {0: (0, 0), 1: (0, 1), 2: (1, 0), 3: (0, -1), 4: (-1, 0)}
ARMS = [(10 + n, [0, n], STREET) for n in (1, 2, 3, 4)]


def links(town, *, drivable=True):
    return {(road.tail, road.head) for road in town.roads if road.drivable is drivable}


def turn_rule(*, to, **tags):
    return (1, {"type": "restriction", **tags}, [("way", 11, "from"), ("node", 0, "via"), ("way", to, "to")])


def test_a_two_way_block_is_a_road_in_each_direction(tmp_path):
    town = osm_read.read(osm(tmp_path / "t.osm"))
    assert links(town) == {(1, 1)} and len(town.roads) == 2
    assert town.roads[0].length_m == pytest.approx(2 * (111.2 + 55.6), rel=0.01)
    assert town.roads[0].name == "Ring Street"
    assert len(town.roads[0].nodes) == len(town.roads[0].points) == 5


def test_roads_are_cut_where_streets_meet_and_not_at_a_zebra_crossing(tmp_path):
    nodes = {**SQUARE, 5: (2, 0), 6: (0.5, 0), 7: (0.5, 1)}
    ways = [
        (10, [1, 6, 2, 3, 4, 1], STREET),
        (11, [2, 5], STREET),
        (12, [6, 7], {"highway": "footway"}),
    ]
    town = osm_read.read(osm(tmp_path / "t.osm", nodes=nodes, ways=ways))
    assert links(town) == {(1, 2), (2, 1), (2, 5), (5, 2)}
    assert links(town, drivable=False) == {(6, 7), (7, 6)}


def test_a_street_one_cannot_return_from_is_not_drivable(tmp_path):
    nodes = {**SQUARE, 5: (2, 0)}
    ways = [(10, [1, 2, 3, 4, 1], STREET), (11, [2, 5], STREET | {"oneway": "yes"})]
    assert (2, 5) in links(osm_read.read(osm(tmp_path / "t.osm", nodes=nodes, ways=ways)), drivable=False)


def test_a_way_is_clipped_at_the_edge_of_the_extract(tmp_path):
    ways = [(10, [99, 1, 2, 3, 98], STREET)]
    town = osm_read.read(osm(tmp_path / "t.osm", ways=ways))
    assert links(town) == {(1, 3), (3, 1)}
    assert [way.nodes for way in town.ways] == [(1, 2, 3)]


def test_a_forbidden_turn_is_forbidden(tmp_path):
    rule = (
        1,
        {"type": "restriction", "restriction": "no_left_turn"},
        [("way", 11, "from"), ("node", 0, "via"), ("way", 12, "to")],
    )
    town = osm_read.read(osm(tmp_path / "t.osm", nodes=CROSS, ways=ARMS, relations=[rule]))
    assert town.turns == (Turn(11, 0, 12),)


def test_an_only_rule_forbids_every_other_way_out(tmp_path):
    rule = (
        1,
        {"type": "restriction", "restriction": "only_straight_on"},
        [("way", 11, "from"), ("node", 0, "via"), ("way", 13, "to")],
    )
    town = osm_read.read(osm(tmp_path / "t.osm", nodes=CROSS, ways=ARMS, relations=[rule]))
    assert set(town.turns) == {Turn(11, 0, 11), Turn(11, 0, 12), Turn(11, 0, 14)}


@pytest.mark.parametrize(
    ("tags", "to"),
    [
        ({"except": "motorcar"}, 13),
        ({"restriction": "yes"}, 13),
        ({}, 77),  # the road it leads to lies outside the extract
    ],
)
def test_a_rule_that_does_not_bind_us_forbids_nothing(tmp_path, tags, to):
    rule = turn_rule(to=to, **{"restriction": "only_straight_on", **tags})
    assert osm_read.read(osm(tmp_path / "t.osm", nodes=CROSS, ways=ARMS, relations=[rule])).turns == ()


def test_a_building_of_several_lines_is_one_area(tmp_path):
    ways = [(10, [1, 2, 3, 4, 1], STREET), (20, [1, 2, 3], {}), (21, [1, 4, 3], {})]
    outline = (5, {"type": "multipolygon", "building": "yes"}, [("way", 20, "outer"), ("way", 21, "outer")])
    town = osm_read.read(osm(tmp_path / "t.osm", ways=ways, relations=[outline]))
    [building] = [way for way in town.ways if "building" in way.tags]
    assert building.id == -5 and building.is_area


def test_the_largest_place_names_the_town(tmp_path):
    tagged = {1: {"place": "village", "name": "Nether"}, 3: {"place": "town", "name": "Upper"}}
    assert osm_read.read(osm(tmp_path / "t.osm", tagged=tagged)).name == "Upper"


BROKEN = {
    "nothing.osm.pbf": b"",
    "noise.osm.pbf": bytes(range(256)) * 20,
    "letter.txt": b"Dear city",
    "track.osm": b"<gpx></gpx>",
    "half.osm": b"<osm version='0.6'><node id='1' lat='1' lon='1'/><way id=",
    "no-streets.osm": b"<osm version='0.6'><node id='1' lat='1' lon='1'/></osm>",
    "cut.osm.gz": gzip.compress(b"<osm version='0.6'>" + b" " * 9999)[:30],
    "moon.osm": b"<osm version='0.6'><node id='1' lat='1000' lon='9'/></osm>",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_map_gets_one_sentence(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(BROKEN[name])
    with pytest.raises(osm_read.BadMap) as caught:
        osm_read.read(path)
    assert name in str(caught.value) and str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(osm_read.BadMap, match="is not a file"):
        osm_read.read(tmp_path / "gone.osm.pbf")


@pytest.mark.skipif(not KREMS.exists(), reason="the second town's extract is not on this machine")
def test_a_second_town_is_read_the_same_way():
    town = osm_read.read(KREMS)
    drivable = [road for road in town.roads if road.drivable]
    assert town.name == "Krems an der Donau" and town.turns
    assert len(drivable) > 1000 and sum(road.length_m for road in drivable) > 100_000
    heads, tails = {road.head for road in drivable}, {road.tail for road in drivable}
    assert heads == tails
