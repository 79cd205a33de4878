# SPDX-License-Identifier: Apache-2.0
"""Boxes and metres, the same on both engines."""

from __future__ import annotations

import pytest
from django.contrib.gis.geos import LineString, Point

from lighting.models import Luminaire
from smartcity.devices import places
from smartcity.devices.models import Asset, Zone

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]
HERE = (24.94, 60.17)


@pytest.fixture
def put(db):
    zone = Zone.objects.create(code="centre", name="Centre")

    def make(uid, shape, model=Asset):
        shape.srid = 4326
        return model.objects.create(uid=uid, domain="lighting", kind="luminaire", name="", geom=shape, zone=zone)

    return make


def uids(rows):
    return sorted(row.uid for row in rows)


def test_a_box_holds_what_its_edges_touch_and_nothing_beyond(put):
    put("in", Point(24.95, 60.15))
    put("edge", Point(24.9, 60.1))
    put("out", Point(24.9, 60.2001))
    put("through", LineString((24.8, 60.0), (25.2, 60.3)))
    box = (24.9, 60.1, 25.0, 60.2)
    assert uids(places.in_box(Asset.objects.all(), box)) == ["edge", "in", "through"]
    assert uids(places.in_box(Asset.objects.filter(uid__startswith="e"), box)) == ["edge"]


def test_a_box_of_a_domain_s_own_model_is_the_same(put):
    put("lamp", Point(*HERE), Luminaire)
    put("other", Point(*HERE))
    assert uids(places.in_box(Luminaire.objects.all(), (24.9, 60.1, 25.0, 60.2))) == ["lamp"]


def test_metres_are_metres_east_and_north(put):
    put("east 100", Point(24.94 + 100 / (111_195 * 0.49742), 60.17))
    put("north 100", Point(24.94, 60.17 + 100 / 111_195))
    put("line 50", LineString((24.9, 60.17 + 50 / 111_195), (25.0, 60.17 + 50 / 111_195)))
    found = places.near(Asset.objects.all(), HERE, 101)
    assert found[0][1].uid == "line 50"
    assert sorted((round(metres), asset.uid) for metres, asset in found) == [
        (50, "line 50"),
        (100, "east 100"),
        (100, "north 100"),
    ]
    assert [asset.uid for _, asset in places.near(Asset.objects.all(), HERE, 99)] == ["line 50"]
