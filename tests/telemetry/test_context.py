# SPDX-License-Identifier: Apache-2.0
"""What one domain may know of another: shared, usable, fresh, near."""

from __future__ import annotations

import pytest
from django.contrib.gis.geos import LineString, Point

from smartcity import declared
from smartcity.devices.models import Asset, Device, Series, Zone
from smartcity.telemetry import context
from tests.telemetry.conftest import NOW, batch, metric

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
SHARED = metric("test.flow", shared=True, every_s=60)


@pytest.fixture
def street(new_store, monkeypatch):
    """Measures `test.flow` at places; returns the writer of values."""
    monkeypatch.setattr(declared, "metrics", lambda: {"test.flow": SHARED, "test.secret": metric("test.secret")})
    zone = Zone.objects.create(code="centre", name="Centre")
    store = new_store(series=())

    def measure(uid, geom, value, *, at=NOW, quality=0):
        asset = Asset.objects.create(uid=uid, domain="test", kind="road", name=uid, geom=geom, zone=zone)
        device = Device.objects.create(uid=uid, asset=asset)
        series = Series.objects.create(device=device, metric="test.flow")
        store.write(batch((at, series.pk, value, quality)))

    return measure


def test_values_are_told_with_the_place_they_were_measured_at(street):
    street("A-1", Point(24.94, 60.17), 300.0)
    street("A-2", LineString((24.0, 60.0), (24.2, 60.0)), 500.0)
    told = context.shared("test.flow", NOW)
    assert [(c.asset_uid, round(c.lon, 3), c.lat, c.value, c.at_ms) for c in told] == [
        ("A-1", 24.94, 60.17, 300.0, NOW),
        ("A-2", 24.1, 60.0, 500.0, NOW),
    ]


def test_stale_and_suspect_values_are_not_told(street):
    street("A-1", Point(24.94, 60.17), 300.0, at=NOW - 181_000)
    street("A-2", Point(24.94, 60.17), 300.0, quality=10)
    street("A-3", Point(24.94, 60.17), 300.0, at=NOW - 179_000)
    assert [c.asset_uid for c in context.shared("test.flow", NOW)] == ["A-3"]


def test_the_nearest_within_reach_is_found_for_each_point(street):
    street("A-1", Point(24.940, 60.17), 1.0)
    street("A-2", Point(24.942, 60.17), 2.0)
    points = [(24.9401, 60.17), (24.9419, 60.17), (24.9, 60.17)]
    found = context.nearest("test.flow", points, 150, NOW)
    assert [c and c.asset_uid for c in found] == ["A-1", "A-2", None]


def test_a_domain_that_is_not_installed_shares_nothing(street):
    assert context.shared("parking.free", NOW) == []
    assert context.nearest("parking.free", [(24.9, 60.1)], 100, NOW) == [None]


def test_what_is_not_shared_cannot_be_had(street):
    with pytest.raises(context.NotShared):
        context.shared("test.secret", NOW)
