# SPDX-License-Identifier: Apache-2.0
"""A town of meters with alarm rules declared for the test; what the store holds is a dict the test fills."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point

from smartcity import declared
from smartcity.alarms import notify
from smartcity.alarms.evaluate import Evaluator
from smartcity.api.audit import Actor
from smartcity.api.models import Grant
from smartcity.devices.models import Asset, Device, EngineeringRecord, Series, Zone
from smartcity.firstrun import write_secrets
from smartcity.kernel.alarms import AlarmRule, Severity
from smartcity.kernel.clock import Anchor, clock, wall_ms
from smartcity.kernel.metrics import DataClass, Metric
from smartcity.telemetry import read
from tests.alarms.push_service import PushService

NOW = 1_800_000_000_000
MINUTE = 60_000

LOAD = Metric(
    name="energy.load",
    title="Load",
    unit="kW",
    low=0,
    high=1000,
    every_s=60,
    data_class=DataClass.INTERNAL,
    purpose="to test the alarms",
)


def rule(**changes):
    given: dict[str, Any] = {
        "name": "energy.overload",
        "metric": "energy.load",
        "kinds": ("meter",),
        "severity": Severity.HIGH,
        "is_bad": lambda value, data: value > data.get("limit", 100),
        "is_good": lambda value, data: value < data.get("limit", 100) - 10,
        "on_delay_s": 0,
        "off_delay_s": 0,
        "text": "{name}: {value:.0f} {unit}",
        "cause": "too much",
        "consequence": "heat",
        "response": "less",
        "respond_within_s": 600,
        "call": "Grid desk, 09 310 1234",
    }
    return AlarmRule(**given | changes)


@dataclass
class Town:
    """What stands in the test's town, and what its devices last said."""

    zone: Zone
    latest: dict[int, read.Value] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    history: list[tuple[int, int, float, int]] = field(default_factory=list)

    def meter(self, uid="M-1", *, zone=None, limit=None, device=True, **more):
        asset = Asset.objects.create(
            **{
                "uid": uid,
                "domain": "energy",
                "kind": "meter",
                "name": f"Meter {uid}",
                "geom": Point(24.94, 60.17, srid=4326),
                "zone": zone or self.zone,
                "external_id": uid,
            }
            | more
        )
        if limit is not None:
            EngineeringRecord.objects.create(asset=asset, data={"limit": limit})
        if device:
            speaks = Device.objects.create(uid=uid, asset=asset)
            Series.objects.create(device=speaks, metric="energy.load")
        return asset

    def meters(self, count, zone=None, first=1):
        """Many at once: assets, devices and series in bulk (multi-row), uids M-<number>."""
        return [self.meter(f"M-{first + n}", zone=zone) for n in range(count)]

    def measures(self, uid, value, at_ms=NOW, quality=0):
        series = Series.objects.get(device__uid=uid)
        self.latest[series.pk] = read.Value(at_ms, value, quality)
        self.history.append((series.pk, at_ms, value, quality))
        self.heard(uid, at_ms)

    def heard(self, uid, at_ms=NOW):
        self.seen[Device.objects.get(uid=uid).pk] = at_ms

    def all_heard(self, at_ms=NOW):
        self.seen |= dict.fromkeys(Device.objects.values_list("pk", flat=True), at_ms)


@pytest.fixture
def declare(monkeypatch):
    def make(*rules):
        monkeypatch.setattr(declared, "alarm_rules", lambda: rules)
        monkeypatch.setattr(declared, "metrics", lambda: {LOAD.name: LOAD})

    return make


@pytest.fixture
def simulation():
    before = clock.anchor
    clock.adopt(Anchor(NOW, wall_ms(), 1.0, 1.0, simulated=True))
    yield clock
    clock.adopt(before)


@pytest.fixture
def live(simulation):
    clock.adopt(Anchor(0, 0, 1.0, 1.0, simulated=False))
    return clock


@pytest.fixture
def town(db, declare, simulation, monkeypatch):
    declare(rule())
    made = Town(Zone.objects.create(code="centre", name="Centre"))
    monkeypatch.setattr(read, "latest", lambda ids: {i: made.latest[i] for i in ids if i in made.latest})
    monkeypatch.setattr(read, "last_seen", lambda ids: {i: made.seen[i] for i in ids if i in made.seen})

    def raw(ids, from_ms, to_ms):
        rows = sorted((r for r in made.history if r[0] in set(ids) and from_ms <= r[1] < to_ms), key=lambda r: r[1])
        columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
        kinds = (np.int64, np.int64, np.float64, np.int64)
        return tuple(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True))

    monkeypatch.setattr(read, "raw", raw)
    return made


@pytest.fixture
def evaluator(town):
    return Evaluator(grace_s=0)


@pytest.fixture
def people(db):
    users = get_user_model().objects
    return SimpleNamespace(
        anna=users.create_user("anna", email="anna@city.invalid"),
        bert=users.create_user("bert"),
        chief=users.create_superuser("chief"),
    )


class Inline:
    """Instead of the notifier's own thread: the test's, and so its transaction."""

    def __init__(self, name):
        pass

    async def run(self, work, *args):
        return await sync_to_async(work)(*args)

    async def close(self):
        pass


@pytest.fixture
def inline(monkeypatch):
    monkeypatch.setattr(notify, "OwnThread", Inline)


@pytest.fixture
def service(settings, tmp_path, request):
    if "transactional_db" not in request.fixturenames:
        request.getfixturevalue("inline")
    write_secrets(tmp_path)
    settings.VAPID_PRIVATE_KEY = (tmp_path / "vapid_private_key").read_text()
    settings.PUSH_HOSTS = ["127.0.0.1"]
    with PushService() as running:
        yield running


def may(user, *actions, domain="", zone=""):
    for action in actions:
        Grant.objects.create(user=user, action=action, domain=domain, zone=zone)
    return user


def acting(user):
    return Actor(user.get_username(), "192.0.2.1", "request-1")
