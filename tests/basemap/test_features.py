# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from smartcity.basemap import features


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"highway": "primary_link"}, ("road", "primary")),
        ({"highway": "construction"}, None),
        ({"railway": "tram"}, ("tram", "tram")),
        ({"railway": "rail"}, ("rail", "rail")),
        ({"railway": "subway", "tunnel": "yes"}, None),
        ({"railway": "subway"}, ("rail", "subway")),
        ({"waterway": "river"}, ("water", "river")),
        ({"waterway": "stream", "tunnel": "culvert"}, None),
        ({"man_made": "pier"}, ("pier", "pier")),
        ({"barrier": "fence"}, None),
    ],
)
def test_a_line_is_drawn_as_what_it_is(tags, expected):
    assert features.of_line(tags) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"building": "school"}, ("building", "school")),
        ({"building": "no", "leisure": "park"}, ("park", "park")),
        ({"natural": "water"}, ("water", "water")),
        ({"landuse": "basin"}, ("water", "basin")),
        ({"highway": "pedestrian", "area": "yes"}, ("road", "pedestrian")),
        ({"landuse": "industrial"}, None),
    ],
)
def test_an_area_is_drawn_as_what_it_is(tags, expected):
    assert features.of_area(tags) == expected


def test_only_named_places_are_written():
    assert features.of_point({"place": "suburb", "name": "Kluuvi"}) == ("place", "suburb")
    assert features.of_point({"place": "suburb"}) is None
    assert features.of_point({"highway": "street_lamp", "name": "x"}) is None


def test_gdals_list_of_other_tags_is_read_with_quotes_in_it():
    assert features.other_tags('"a"=>"1","b"=>"say \\"no\\""') == {"a": "1", "b": 'say \\"no\\"'}
    assert features.other_tags(None) == {}
