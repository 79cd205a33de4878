# SPDX-License-Identifier: Apache-2.0
"""Which time zone a city lives in: the one set, else that of its map's place, in whichever process asks."""

from __future__ import annotations

import json

import pytest

from smartcity.devices import importer, street, time_zone
from smartcity.devices.models import CityImport
from tests.devices.maps import osm

KREMS = (15.5996, 48.3874, 15.6711, 48.4142)


@pytest.fixture
def unset(settings, monkeypatch):
    settings.CITY_TIME_ZONE = ""
    monkeypatch.setattr(time_zone, "_kept", "")


@pytest.mark.parametrize(
    ("bounds", "zone"),
    [
        (KREMS, "Europe/Vienna"),
        ((24.93, 60.15, 24.96, 60.18), "Europe/Helsinki"),
        ((-54.6, -20.6, -54.5, -20.4), "America/Campo_Grande"),
        ((85.3, 27.6, 85.4, 27.8), "Asia/Kathmandu"),
    ],
)
def test_a_place_has_the_time_zone_its_people_live_by(bounds, zone):
    assert time_zone.of_place(bounds) == zone


@pytest.mark.django_db
def test_the_map_in_force_says_it_and_a_newer_map_says_it_again(unset):
    assert time_zone.city() == "UTC"
    CityImport.objects.create(source="old.osm.pbf", is_current=True, summary={"time_zone": "Europe/Vienna"})
    assert time_zone.learn() == time_zone.city() == time_zone.city_zone().key == "Europe/Vienna"
    CityImport.objects.update(is_current=False)
    CityImport.objects.create(source="new.osm.pbf", is_current=True, summary={"time_zone": "Asia/Kathmandu"})
    assert time_zone.city() == "Europe/Vienna"  # until it is looked up again
    assert time_zone.learn() == time_zone.city() == "Asia/Kathmandu"


@pytest.mark.django_db
def test_a_map_imported_before_zones_were_kept_still_has_its_place(unset):
    CityImport.objects.create(source="old.osm.pbf", is_current=True, summary={"bounds": KREMS})
    assert time_zone.city() == "Europe/Vienna"


@pytest.mark.django_db
def test_the_setting_comes_first_and_asks_no_database(settings, django_assert_num_queries):
    settings.CITY_TIME_ZONE = "Asia/Tokyo"
    with django_assert_num_queries(0):
        assert (time_zone.city(), time_zone.learn()) == ("Asia/Tokyo", "Asia/Tokyo")


@pytest.mark.django_db(transaction=True)
def test_an_import_keeps_the_zone_with_the_city_and_tells_the_street(unset, settings, tmp_path):
    settings.VAR = tmp_path
    said: list[str] = []
    importer.import_city(osm(tmp_path / "town.osm"), demo=True, say=said.append)
    kept = CityImport.objects.get(is_current=True).summary["time_zone"]
    assert kept == time_zone.city() == street.load()["zone"] and kept.startswith("Europe/")  # at 24° E, 60° N
    assert any(kept in line for line in said)
    assert {entry["twin"]["zone"] for entry in street.load()["devices"]} <= {kept}


def test_a_street_follows_a_zone_that_was_set_after_the_import(settings, tmp_path):
    settings.VAR = tmp_path
    entry = {"uid": "L-1", "twin": {"zone": "UTC", "key": "kept"}}
    street.write([entry], [{"uid": "F-1", "twin": {"zone": "UTC"}}], name="Town", map_file="town.osm")
    street.move_to("Asia/Tokyo")
    found = json.loads(street.path().read_text())
    assert found["zone"] == "Asia/Tokyo" and found["city"] == "Town"
    assert [entry["twin"]["zone"] for entry in (*found["devices"], *found["assets"])] == ["Asia/Tokyo"] * 2
    assert found["devices"][0]["twin"]["key"] == "kept"
