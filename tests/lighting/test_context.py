# SPDX-License-Identifier: Apache-2.0
"""Lighting reads traffic as city context: shared, fresh, usable; and names the counts and forecasts it rests on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from django.contrib.gis.geos import LineString, Point

from lighting import loop
from lighting.controller import Policy, decide
from lighting.models import LightingSegment, Luminaire
from smartcity import declared
from smartcity.devices.models import Asset, Device, EngineeringRecord, Series, Zone
from smartcity.forecasting.forecast import Basis, Forecast
from smartcity.forecasting.packing import pack
from smartcity.telemetry.context import NotShared
from tests.telemetry.conftest import batch, new_store, telemetry  # noqa: F401

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]

NIGHT = 1_700_000_000_000  # 14 November 2023, 22:13 UTC
CLASSES = {"normal_class": "M3", "minimum_class": "M5", "power_w": 100.0}
ROAD = LineString((24.940, 60.170), (24.942, 60.170))
SHARED = declared.metrics()["traffic.flow"]


@pytest.fixture
def town(new_store):  # noqa: F811
    """A main street with one lamp, and a detector on it."""
    loop._inventory.cache_clear()
    zone = Zone.objects.create(code="centre", name="Centre")
    common = {"zone": zone, "domain": "lighting", "name": "Main street"}
    street = LightingSegment.objects.create(
        uid="S-1",
        kind="lighting_segment",
        geom=ROAD,
        normal_class="M3",
        minimum_class="M5",
        lanes=2,
        capacity=1000.0,
        **common,
    )
    lamp = Luminaire.objects.create(
        uid="L-1", kind="luminaire", geom=Point(24.941, 60.1701), parent=street, power_w=100.0, **common
    )
    EngineeringRecord.objects.create(asset=lamp, data=CLASSES, signed_by="demo")
    node = Device.objects.create(uid="L-1", asset=lamp)
    Series.objects.create(device=node, metric="lighting.dim_level")
    approach = Asset.objects.create(
        uid="A-1", domain="traffic", kind="approach", name="Main street", geom=ROAD, zone=zone
    )
    flow = Series.objects.create(device=Device.objects.create(uid="A-1", asset=approach), metric="traffic.flow")
    store = new_store(series=())

    def counts(value, at=NIGHT - 10_000, quality=0):
        store.write(batch((at, flow.pk, value, quality), now=at))

    yield SimpleNamespace(counts=counts, flow=flow.pk, approach=approach)
    loop._inventory.cache_clear()


def foresee(series, value, issued_ms=NIGHT - 600_000):
    issued = Forecast(
        issued_at_ms=issued_ms, start_ms=issued_ms, step_s=900, levels=(0.1, 0.5, 0.9), values=np.full((3, 8), value),
        method="seasonal naive", basis=Basis.MODEL, note="",
    )  # fmt: skip
    pack(series, issued, is_kept=False).save()


def seen(at_ms=NIGHT):
    (street,) = loop.gather(at_ms).streets
    return street.flow, street.expected


def test_count_and_forecast_come_by_city_context_and_are_named_with_their_instants(town):
    town.counts(120.0)
    foresee(town.flow, 200.0)
    assert seen() == (120.0, 200.0)
    (setpoint,) = decide(loop.gather(NIGHT), Policy())
    assert setpoint.rests_on == (f"series:{town.flow}@{NIGHT - 10_000}", f"forecast:{town.flow}@{NIGHT - 600_000}")


@pytest.mark.parametrize("more", [{"at": NIGHT - 21 * 60_000}, {"quality": 10}], ids=["old", "suspect"])
def test_an_old_or_suspect_count_is_not_looked_at_nor_named(town, more):
    town.counts(120.0, **more)
    assert seen() == (None, None)
    assert loop.gather(NIGHT).streets[0].basis == ()


def test_a_metric_that_its_domain_does_not_share_cannot_be_had(town, monkeypatch):
    town.counts(120.0)
    unshared = {**declared.metrics(), "traffic.flow": replace(SHARED, shared=False)}
    monkeypatch.setattr(declared, "metrics", lambda: unshared)
    with pytest.raises(NotShared):
        loop.gather(NIGHT)


def test_without_a_traffic_domain_the_signed_programme_stands(town, monkeypatch):
    town.counts(120.0)
    monkeypatch.setattr(declared, "metrics", dict)
    assert loop.gather(NIGHT).streets == ()


def test_a_detector_that_is_no_longer_there_counts_nothing(town):
    town.counts(120.0)
    Device.objects.filter(asset=town.approach).update(retired_at="2023-11-01T00:00Z")
    assert loop.gather(NIGHT).streets == ()
