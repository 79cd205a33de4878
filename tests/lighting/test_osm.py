# SPDX-License-Identifier: Apache-2.0
"""What a map says of a street's light, and what only the demo adds."""

from __future__ import annotations

import pytest

from lighting.osm import draft
from smartcity.kernel.imports import MapNode, MapWay, Town

STREET = {"highway": "tertiary", "name": "Main Street"}


def town(**tags):
    way = MapWay(1, (1, 2), ((24.9, 60.1), (24.91, 60.1)), STREET | tags)
    lamp = MapNode(5, (24.905, 60.10005), {"highway": "street_lamp"})
    return Town("Town", (24.9, 60.1, 24.91, 60.11), (lamp,), (way,), (), {})


def drafts(demo, **tags):
    return {item.external_id: item for item in draft(town(**tags), demo)}


def test_without_the_demo_a_lamp_has_no_power_no_class_and_no_programme():
    found = drafts(demo=False)
    assert set(found) == {"osm:w1:lighting", "osm:n5"}
    assert found["osm:n5"].fields == {"power_w": None} and found["osm:n5"].engineering == {}
    street = found["osm:w1:lighting"]
    assert street.engineering == {}
    assert street.fields == {
        "normal_class": "", "minimum_class": "", "lanes": None, "capacity": None, "highway": "tertiary",
    }  # fmt: skip


@pytest.mark.parametrize(("lanes", "known"), [("3", 3), ("many", None)])
def test_the_lanes_a_map_states_are_kept(lanes, known):
    assert drafts(demo=False, lanes=lanes)["osm:w1:lighting"].fields["lanes"] == known


def test_the_demo_estimates_them_by_the_kind_of_street():
    found = drafts(demo=True)
    design = {"normal_class": "M4", "minimum_class": "M6", "lanes": 2, "capacity": 1400.0}
    assert found["osm:w1:lighting"].engineering == design
    assert found["osm:n5"].engineering["power_w"] == found["osm:n5"].fields["power_w"] == 75.0
    assert found["osm:n5"].engineering["programme"]
