# SPDX-License-Identifier: Apache-2.0
"""What a map says of a container, and what only the demo adds."""

from __future__ import annotations

from smartcity.kernel.imports import MapNode, Town
from waste.osm import draft

TAGS = {1: "recycling", 2: "waste_basket", 3: "waste_transfer_station"}


def drafts(demo):
    nodes = tuple(MapNode(n, (24.9 + n / 1000, 60.1), {"amenity": tag}) for n, tag in TAGS.items())
    town = Town("Town", (24.9, 60.1, 24.91, 60.11), nodes, (), (), {})
    return {item.external_id: item for item in draft(town, demo)}


def test_without_the_demo_a_container_has_a_stream_and_nothing_else():
    found = drafts(demo=False)["osm:n1"]
    assert found.engineering == {}
    assert {name: value for name, value in found.fields.items() if value is not None} == {"stream": "recycling"}
    assert set(found.fields) == {
        "stream", "volume_l", "kg_full", "empty_mm", "full_mm", "service_s", "rota_every_days",
    }  # fmt: skip
    assert found.device is not None and found.device.twin == {}


def test_without_the_demo_nobody_knows_when_a_transfer_station_is_open():
    found = drafts(demo=False)["osm:n3"]
    assert found.engineering == {} and set(found.fields.values()) == {None}


def test_the_demo_takes_a_container_for_one_of_its_type():
    found = drafts(demo=True)["osm:n1"]
    assert found.engineering == found.fields
    assert (found.fields["volume_l"], found.fields["kg_full"]) == (3000.0, 180.0)
    assert found.fields["rota_every_days"] >= 1
