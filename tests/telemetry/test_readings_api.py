# SPDX-License-Identifier: Apache-2.0
"""Readings over REST: raw and rolled up, in pages, as a file, and who may have them."""

from __future__ import annotations

import csv
import io

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point

from smartcity import declared
from smartcity.api.models import Grant
from smartcity.devices.models import Asset, Device, Series, Zone
from smartcity.kernel.clock import Anchor, clock, wall_ms
from smartcity.kernel.metrics import DataClass
from tests.telemetry.conftest import ALL, batch, metric

pytestmark = [pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
QUARTER = 900_000
START = 2_000_000 * QUARTER


@pytest.fixture
def declare(monkeypatch):
    """The series `ALL`, of a device on a place, as this metric."""

    def made(**changes):
        monkeypatch.setattr(declared, "metrics", lambda: {"test.all": metric("test.all", unit="kW", **changes)})

    made()
    zone = Zone.objects.create(code="centre", name="Centre")
    place = {"geom": Point(24.94, 60.17, srid=4326), "zone": zone, "domain": "test"}
    asset = Asset.objects.create(uid="M-1", kind="meter", name="M-1", **place)
    Series.objects.create(pk=ALL, device=Device.objects.create(uid="M-1", asset=asset), metric="test.all")
    return made


@pytest.fixture
def simulated():
    before = clock.anchor
    clock.adopt(Anchor(START + 4 * QUARTER, wall_ms(), 0.0, 1.0, simulated=True))
    yield
    clock.adopt(before)


@pytest.fixture
def filled(store, declare):
    """An hour, a reading each minute: its number, the tenth of them suspect."""
    rows = [(START + 60_000 * n, ALL, float(n), 10 if n == 10 else 0) for n in range(60)]
    store.write(batch(*rows, now=START + 4 * QUARTER))
    store.close_quarters(START + 8 * QUARTER)
    store.mend_all()
    return declare


def ask(client, **query):
    return client.get(f"/api/v1/series/{ALL}/readings", {"from": START, "to": START + 4 * QUARTER} | query)


@pytest.fixture
def boss(client):
    client.force_login(get_user_model()._default_manager.create(username="boss", is_superuser=True))
    return client


def test_raw_readings_come_oldest_first_and_in_pages(filled, boss):
    first = ask(boss, grain="raw", limit=25).json()
    assert [row[:2] for row in first["results"][:2]] == [[START, 0.0], [START + 60_000, 1.0]]
    assert len(first["results"]) == 25 and first["results"][10][2] == 10
    assert first["more"]
    rest = ask(boss, grain="raw", **{"from": first["results"][-1][0] + 1}).json()
    assert [row[1] for row in rest["results"]] == [float(n) for n in range(25, 60)] and not rest["more"]


def test_rollups_leave_out_what_is_suspect(filled, boss):
    rows = ask(boss, grain="15m").json()["results"]
    assert [row[0] for row in rows] == [START + n * QUARTER for n in range(4)]
    mean = (sum(range(15)) - 10) / 14
    assert rows[0][1:] == [pytest.approx(mean), 14, 0.0, 14.0]


def test_a_file_of_a_simulation_says_so_in_each_row_and_in_its_name(filled, boss, simulated):
    answer = ask(boss, grain="raw", **{"as": "csv"})
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert rows[0] == ["at", "value [kW]", "quality", "city mode"]
    assert {row[3] for row in rows[1:]} == {"SIMULATION"} and len(rows) == 61
    assert 'filename="SIMULATION-M-1-test.all-raw.csv"' in answer["Content-Disposition"]


def test_a_file_of_a_live_city_has_only_what_was_measured(filled, boss):
    answer = ask(boss, grain="15m", **{"as": "csv"})
    assert next(csv.reader(io.StringIO(answer.content.decode()))) == ["at", "mean [kW]", "n_good", "low", "high"]
    assert 'filename="M-1-test.all-15m.csv"' in answer["Content-Disposition"]


@pytest.mark.parametrize(
    ("action", "domain", "zone", "data_class", "status"),
    [
        ("view", "test", "centre", DataClass.INTERNAL, 200),
        ("view", "", "", DataClass.INTERNAL, 200),
        ("view", "other", "", DataClass.INTERNAL, 404),
        ("view", "test", "elsewhere", DataClass.INTERNAL, 404),
        ("view", "test", "centre", DataClass.PERSONAL, 404),
        ("personal", "test", "centre", DataClass.PERSONAL, 200),
    ],
)
def test_a_grant_reaches_as_far_as_it_says(filled, client, action, domain, zone, data_class, status):
    if data_class is DataClass.PERSONAL:
        filled(data_class=data_class, keep_rollup_days=14)
    anna = get_user_model()._default_manager.create(username="anna")
    if action == "personal":
        Grant.objects.create(user=anna, action="view", domain=domain, zone=zone)
    Grant.objects.create(user=anna, action=action, domain=domain, zone=zone)
    client.force_login(anna)
    assert ask(client, grain="raw").status_code == status
