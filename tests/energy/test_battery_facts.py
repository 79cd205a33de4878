# SPDX-License-Identifier: Apache-2.0
"""The contract and the meter of the connection point reach the limit checks of the battery behind it."""

from __future__ import annotations

import pytest
from django.contrib.gis.geos import Point as GeoPoint

from energy.models import Battery, ConnectionPoint, Transformer
from smartcity.control import requests
from smartcity.devices.models import Device, EngineeringRecord, Series, Zone
from smartcity.kernel.clock import Anchor, clock, wall_ms
from smartcity.kernel.control import Priority, Setpoint
from smartcity.telemetry import read

pytestmark = pytest.mark.django_db
NOW = 1_800_000_000_000


@pytest.fixture
def site(monkeypatch):
    before = clock.anchor
    clock.adopt(Anchor(NOW, wall_ms(), 0.0, 1.0, simulated=True))
    zone, latest = Zone.objects.create(code="centre", name="Centre"), {}

    def asset(model, uid, kind, parent, data, **measured):
        at = GeoPoint(24.94, 60.17, srid=4326)
        shared = {"domain": "energy", "kind": kind, "geom": at, "zone": zone, "parent": parent, "simulated": True}
        made = model.objects.create(uid=uid, **shared)
        EngineeringRecord.objects.create(asset=made, data=data, signed_by="demo")
        device = Device.objects.create(uid=uid, asset=made, simulated=True, announced={"reserve_soc": 10})
        for name, value in measured.items():
            latest[Series.objects.create(device=device, metric=f"energy.{name}").pk] = read.Value(NOW - 5000, value, 0)
        return made

    transformer = asset(Transformer, "T-1", "transformer", None, {"rated_kva": 400.0})
    point = asset(ConnectionPoint, "Q-1", "connection_point", transformer, {"contracted_kw": 150.0}, import_kw=60.0)
    asset(Battery, "B-1", "battery", point, {"power_kw": 40.0, "capacity_kwh": 100.0}, battery_kw=0.0, soc=50.0)
    monkeypatch.setattr(read, "latest", lambda ids: {i: latest[i] for i in ids if i in latest})
    yield
    clock.adopt(before)


def asked(**bounds):
    wishes = [
        Setpoint(asset="B-1", point=point, value=value, reason="test", expires_in_s=1800.0)
        for point, value in bounds.items()
    ]
    made = requests.request(wishes, issuer="anna", priority=Priority.OVERRIDE, now_ms=NOW)
    return {command.point: command.state_note or str(command.state) for command in made}


def test_a_band_within_the_contract_is_queued(site):
    assert asked(import_high=140.0, import_low=90.0) == {"import_high": "queued", "import_low": "queued"}


def test_a_bound_above_the_contract_is_refused(site):
    assert asked(import_low=5000.0) == {
        "import_low": "5000 kW is above the contract of 150 kW; 5000 kW is out of the battery's reach: 140 kW at 40 kW "
        "rated"
    }


def test_a_band_upside_down_is_refused(site):
    crossed = "the lower bound of 90 kW would be above the upper one of 70 kW"
    assert asked(import_high=70.0, import_low=90.0) == {"import_high": crossed, "import_low": crossed}


def test_a_contract_nobody_has_signed_is_no_contract(site):
    EngineeringRecord.objects.filter(asset__uid="Q-1").update(signed_by="")
    assert asked(import_high=70.0) == {"import_high": "the contract of the battery's connection point is not signed"}
