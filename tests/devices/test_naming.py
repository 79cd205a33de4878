# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from smartcity.devices.models import CityImport
from smartcity.devices.naming import UNNAMED, city_name

pytestmark = pytest.mark.django_db


def test_a_city_is_called_what_its_map_is_called():
    CityImport.objects.create(source="old.osm.pbf")
    assert city_name() == UNNAMED
    CityImport.objects.create(source="Krems-an_der.osm.pbf", is_current=True)
    assert city_name() == "Krems an der"


def test_what_the_city_calls_itself_comes_first(settings):
    settings.CITY_NAME = "Krems"
    CityImport.objects.create(source="extract.osm.pbf", is_current=True)
    assert city_name() == "Krems"
