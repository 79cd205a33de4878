# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from django.contrib.gis.geos import LineString, Point

from smartcity.devices.models import Asset, CityImport, Device, Road, Series, Zone
from smartcity.forecasting import places
from smartcity.kernel.forecasts import Target

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]
LON, LAT = 24.94, 60.17


@pytest.fixture
def zone():
    places._roads.cache_clear()
    yield Zone.objects.create(code="north", name="Northern harbour")
    places._roads.cache_clear()


def asset(zone, uid, kind, geom, parent=None, *, speaks=True):
    made = Asset.objects.create(
        uid=uid, domain="test", kind=kind, name=f"Name of {uid}", geom=geom, zone=zone, parent=parent
    )
    if speaks:
        Series.objects.create(device=Device.objects.create(uid=uid, asset=made), metric="test.load")
    return made


def road(name, *points):
    found, _ = CityImport.objects.get_or_create(source="map", is_current=True)
    Road.objects.create(
        way=len(name), tail=1, head=2, name=name, highway="residential", length_m=1, speed_ms=8,
        geom=LineString(*points, srid=4326), import_number=found.pk,
    )  # fmt: skip


def test_a_series_is_on_the_nearest_named_road_of_its_district(zone):
    road("Long Street", (LON, LAT), (LON + 0.02, LAT))
    road("Cross Street", (LON + 0.01, LAT - 0.005), (LON + 0.01, LAT + 0.005))
    road("", (LON + 0.005, LAT + 0.0001), (LON + 0.006, LAT + 0.0001))
    asset(zone, "A-1", "approach", LineString((LON + 0.002, LAT + 0.0001), (LON + 0.0099, LAT + 0.0001), srid=4326))
    asset(zone, "A-2", "approach", Point(LON + 0.0101, LAT + 0.003, srid=4326))
    asset(zone, "A-3", "approach", Point(LON + 0.005, LAT + 0.01, srid=4326))
    found = places.leaves(Target(metric="test.load", kinds=("approach",), adds_up=("district", "street")))
    assert [leaf.above for leaf in found] == [
        (("district", "north", "Northern harbour"), ("street", street, street))
        for street in ("Long Street", "Cross Street", "off the streets")
    ]
    assert (found[0].asset, found[0].label, found[0].zone) == ("A-1", "Name of A-1", "north")


def test_a_plant_hangs_from_its_meter_s_transformer_and_feeder(zone):
    here = Point(LON, LAT, srid=4326)
    feeder = asset(zone, "F-1", "feeder", here, speaks=False)
    transformer = asset(zone, "T-1", "transformer", here, feeder, speaks=False)
    meter = asset(zone, "M-1", "meter", here, transformer)
    asset(zone, "P-1", "plant", here, meter)
    asset(zone, "P-2", "plant", here)
    found = places.leaves(Target(metric="test.load", kinds=("plant",), adds_up=("feeder", "transformer")))
    assert [leaf.above for leaf in found] == [
        (("feeder", "F-1", "Name of F-1"), ("transformer", "T-1", "Name of T-1")),
        (),
    ]


def test_where_there_is_no_map_there_is_no_street(zone):
    asset(zone, "A-1", "approach", Point(LON, LAT, srid=4326))
    (leaf,) = places.leaves(Target(metric="test.load", adds_up=("street",)))
    assert leaf.above == (("street", "off the streets", "off the streets"),)
