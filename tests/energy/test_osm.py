# SPDX-License-Identifier: Apache-2.0
"""What of a map is the city's own portfolio, and what only loads its transformers."""

from __future__ import annotations

import pytest

from energy import osm
from energy.buildings import public_use
from smartcity.kernel.imports import MapNode, MapWay, Town

STEP = 0.0005  # about 28 m by 56 m at 60° N


def square(number, column, row, size=1.0, **tags):
    west, south, side = 24.0 + column * STEP, 60.0 + row * STEP, size * STEP
    points = ((west, south), (west + side, south), (west + side, south + side), (west, south + side), (west, south))
    return MapWay(number, tuple(number * 10 + n % 4 for n in range(5)), points, tags)


def town(*ways, nodes=()):
    return Town("Town", (23.99, 59.99, 24.05, 60.05), tuple(nodes), ways, (), {})


def drafts(*ways, nodes=()):
    return osm.draft(town(*ways, nodes=nodes), True)


def points_of(found):
    return {draft.external_id: draft for draft in found if draft.kind == "connection_point"}


@pytest.mark.parametrize(
    ("tags", "use"),
    [
        ({"amenity": "school"}, "school"),
        ({"building": "yes", "amenity": "townhall"}, "office"),
        ({"amenity": "library"}, "culture"),
        ({"leisure": "sports_centre"}, "sports"),
        ({"amenity": "fire_station"}, "depot"),
        ({"landuse": "depot"}, "depot"),
        ({"building": "apartments"}, ""),
        ({"building": "office"}, ""),
        ({"shop": "supermarket", "building": "retail"}, ""),
        ({"amenity": "school", "operator:type": "private"}, ""),
        ({"leisure": "sports_centre", "sport": "fitness"}, ""),
    ],
)
def test_only_public_places_are_the_city_s_own(tags, use):
    assert public_use(tags) == use


def test_a_house_loads_the_transformer_but_is_no_connection_point_of_the_city():
    found = drafts(square(1, 0, 0, building="apartments"), square(2, 3, 0, building="school", name="School"))
    points = points_of(found)
    assert "osm:w2:energy" in points and not any("w1" in key for key in points)
    others = [draft.device.twin["others"] for draft in found if draft.kind == "transformer" and draft.device]
    assert [set(one) for one in others] == [{"housing"}] and others[0]["housing"] > 0
    rated = next(draft.fields["rated_kva"] for draft in found if draft.kind == "transformer")
    assert rated >= 1.3 * (others[0]["housing"] + points["osm:w2:energy"].fields["peak_kw"])


def test_a_campus_is_one_connection_point_with_all_its_buildings():
    ground = square(1, 0, 0, size=6, amenity="school", name="Campus")
    found = points_of(drafts(ground, square(2, 1, 1, building="yes"), square(3, 3, 3, building="yes")))
    alone = points_of(drafts(square(2, 1, 1, building="yes", amenity="school")))
    assert [key for key in found if key.startswith("osm:")] == ["osm:w1:energy"]
    assert found["osm:w1:energy"].fields["peak_kw"] == pytest.approx(
        2 * alone["osm:w2:energy"].fields["peak_kw"], rel=0.02
    )


def test_a_library_on_a_shopping_street_takes_one_storey_of_its_building():
    library = MapNode(7, (24.0 + STEP / 2, 60.0 + STEP / 2), {"amenity": "library", "name": "Library"})
    tall = square(1, 0, 0, building="retail", **{"building:levels": "8"})
    found = points_of(drafts(tall, nodes=[library]))
    whole = points_of(drafts(square(1, 0, 0, building="public", **{"building:levels": "8"})))
    assert found["osm:n7:energy"].name == "Library"
    assert found["osm:n7:energy"].fields["peak_kw"] < 0.3 * whole["osm:w1:energy"].fields["peak_kw"]


def test_depots_are_those_mapped_and_else_one_is_made_up():
    mapped = drafts(square(1, 0, 0, size=3, landuse="depot", name="Tram depot"))
    uses = {key: draft.fields["use"] for key, draft in points_of(mapped).items()}
    assert uses == {"osm:w1:energy": "depot"}
    assert sum(draft.kind == "charger" and draft.parent == "osm:w1:energy" for draft in mapped) == 4
    made_up = points_of(drafts(square(1, 0, 0, building="school")))
    assert made_up["estimate:depot:energy"].fields["use"] == "depot"
    assert all(draft.estimated for draft in made_up.values())


def test_lamps_hang_on_cabinets_with_contracts_and_terms_of_their_own():
    lamps = [MapNode(n, (24.0 + n * STEP, 60.0), {"highway": "street_lamp"}) for n in range(1, 9)]
    cabinets = [draft for draft in points_of(drafts(nodes=lamps)).values() if draft.fields["use"] == "lighting"]
    assert sum(round((draft.fields["peak_kw"] - 0.06) / 0.14) for draft in cabinets) == 8
    for draft in cabinets:
        assert draft.estimated and draft.parent.startswith("estimate:transformer:")
        assert draft.engineering["contracted_kw"] > draft.fields["peak_kw"]
        assert draft.engineering["tariff"]["capacity"] == 1.2


def test_nothing_is_made_up_for_a_city_of_its_own():
    assert osm.draft(town(square(1, 0, 0, building="school")), False) == []
