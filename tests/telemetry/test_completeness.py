# SPDX-License-Identifier: Apache-2.0
"""What should have come on a day, what came, and how much of it can be used."""

from __future__ import annotations

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point

from smartcity import declared
from smartcity.devices.models import Asset, Device, Series, Zone
from smartcity.kernel.clock import Anchor, clock, wall_ms
from smartcity.telemetry import completeness, read
from tests.telemetry.conftest import ALL, MINUTE, batch, metric

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
HOUR = 3_600_000
SPRING = 1_806_192_000_000 - 2 * HOUR  # midnight in Helsinki of 28 March 2027, a day of 23 hours


def fill(store, start, hours, *, every_ms=60_000, suspect=()):
    for hour in range(hours):
        at = range(start + hour * HOUR, start + (hour + 1) * HOUR, every_ms)
        rows = [(t, ALL, 1.0 + t % 7, 10 if hour in suspect else 0) for t in at]
        store.write(batch(*rows, now=start + (hour + 1) * HOUR))
    store.close_quarters(start + 50 * HOUR)
    store.mend_all()


def test_a_day_of_23_hours_can_be_complete(store):
    fill(store, SPRING, 23)
    found = completeness.of_days([ALL, MINUTE], 60.0, SPRING, SPRING + 23 * HOUR)
    assert (found.day.tolist(), found.expected.tolist()) == ([SPRING], [23 * 60])
    assert found.n.tolist() == [[23 * 60], [0]]
    assert found.share.tolist() == [[1.0], [0.0]]


def test_gaps_and_suspects_lower_the_share_and_too_many_do_not_raise_it(store):
    fill(store, SPRING, 12, suspect=(0, 1, 2))
    fill(store, SPRING + 23 * HOUR, 24, every_ms=30_000)
    found = completeness.of_days([ALL], 60.0, SPRING, SPRING + 47 * HOUR)
    assert found.n.tolist() == [[720, 2880]]
    assert found.n_good.tolist() == [[540, 2880]]
    assert np.round(found.share, 3).tolist() == [[round(540 / 1380, 3), 1.0]]


def test_what_is_kept_less_often_than_measured_is_expected_less_often():
    assert completeness.interval_s(metric("test.a", every_s=5, keep_every_s=60)) == 60
    assert completeness.interval_s(metric("test.a", every_s=900)) == 900


@pytest.fixture
def meter(monkeypatch):
    """The series `ALL`, of a device on a place."""
    monkeypatch.setattr(declared, "metrics", lambda: {"test.all": metric("test.all")})
    zone = Zone.objects.create(code="centre", name="Centre")
    place = {"geom": Point(24.94, 60.17, srid=4326), "zone": zone, "domain": "test"}
    asset = Asset.objects.create(uid="M-1", kind="meter", name="M-1", **place)
    device = Device.objects.create(uid="M-1", asset=asset)
    return Series.objects.create(pk=ALL, device=device, metric="test.all").pk


def test_the_interface_tells_of_the_days_that_are_over(store, meter, client):
    fill(store, SPRING, 30)
    client.force_login(get_user_model()._default_manager.create(username="boss", is_superuser=True))
    before = clock.anchor
    clock.adopt(Anchor(SPRING + 30 * HOUR, wall_ms(), 0.0, 1.0, simulated=True))
    try:
        found = client.get(f"/api/v1/series/{meter}/completeness", {"from": SPRING}).json()
    finally:
        clock.adopt(before)
    assert found["results"] == [[SPRING, 1380, 1380, 1380.0, 1.0]]
    assert read.rollups([ALL], "1d", SPRING, SPRING + 30 * HOUR).n.tolist()[0] == 1380
