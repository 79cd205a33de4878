# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
from django.contrib.gis.geos import Point
from django.db import connection, connections


@pytest.mark.both_engines
@pytest.mark.django_db(databases=["default", "telemetry"])
def test_the_tests_run_on_the_engine_that_was_asked_for():
    vendors = {connections[alias].vendor for alias in ("default", "telemetry")}
    assert vendors == ({"postgresql"} if os.environ.get("DATABASE_URL") else {"sqlite"})


@pytest.mark.both_engines
@pytest.mark.django_db
def test_the_city_database_can_measure():
    with connection.cursor() as cursor:
        cursor.execute("SELECT ST_Distance(ST_GeomFromText('POINT(0 0)'), ST_GeomFromText(%s))", [Point(3, 4).wkt])
        assert cursor.fetchone() == (5.0,)
