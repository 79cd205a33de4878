# SPDX-License-Identifier: Apache-2.0
"""What the interface answers: assets in pages and by filters, metrics, zones, its own description, refusals."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import LineString, Point
from django.core.cache import caches

from smartcity import declared, vitals
from smartcity.api.models import Grant
from smartcity.api.throttling import PerUser
from smartcity.control.models import LedgerEntry
from smartcity.devices.models import Asset, Device, Series, Zone
from smartcity.kernel.clock import clock

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases="__all__")]


@pytest.fixture
def boss(client):
    client.force_login(get_user_model()._default_manager.create(username="boss", is_superuser=True))
    return client


@pytest.fixture
def anna(client):
    """May look at the lighting of the north."""
    made = get_user_model()._default_manager.create(username="anna")
    Grant.objects.create(user=made, action="view", domain="lighting", zone="north")
    client.force_login(made)
    return client


def place(uid, at=(24.94, 60.17), *, domain="lighting", kind="luminaire", zone="centre", **more):
    where, _ = Zone.objects.get_or_create(code=zone, defaults={"name": zone.title()})
    geom = (Point if isinstance(at[0], float) else LineString)(at, srid=4326)
    return Asset.objects.create(uid=uid, domain=domain, kind=kind, name=f"{kind} {uid}", zone=where, geom=geom, **more)


@pytest.fixture
def town():
    """Three lamps from west to east, the last in the north under a cabinet; a truck; a street light's line."""
    place("L-1")
    place("L-2", (24.95, 60.17))
    cabinet = place("C-1", (24.96, 60.18), kind="cabinet", zone="north")
    place("L-3", (24.96, 60.18), zone="north", parent=cabinet)
    place("T-1", (24.94, 60.17), domain="waste", kind="truck")


def assets(client, **query):
    answer = client.get("/api/v1/assets/", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def uids(client, **query):
    return [feature["id"] for feature in assets(client, **query)["features"]]


def test_assets_come_as_geojson_with_what_measures_them(town, boss):
    device = Device.objects.create(uid="L-3", asset=Asset.objects.get(uid="L-3"))
    series = Series.objects.create(device=device, metric="lighting.power_w")
    found = assets(boss)
    assert (found["type"], found["count"], found["page"]) == ("FeatureCollection", 5, 1)
    lamp = next(feature for feature in found["features"] if feature["id"] == "L-3")
    assert (lamp["type"], lamp["geometry"]) == ("Feature", {"type": "Point", "coordinates": [24.96, 60.18]})
    assert lamp["properties"] == {
        "uid": "L-3", "kind": "luminaire", "name": "luminaire L-3", "parent": "C-1", "zone": "north",
        "domain": "lighting", "estimated": False, "simulated": False, "series": {"lighting.power_w": series.pk},
    }  # fmt: skip


def test_of_a_replaced_device_the_series_is_that_of_the_new_one(town, boss):
    """Whichever was made first."""
    lamp = Asset.objects.get(uid="L-1")
    new = Series.objects.create(device=Device.objects.create(uid="new", asset=lamp), metric="lighting.power_w")
    old = Device.objects.create(uid="old", asset=lamp, retired_at=clock.now())
    Series.objects.create(device=old, metric="lighting.power_w")
    [found] = assets(boss, q="L-1")["features"]
    assert found["properties"]["series"] == {"lighting.power_w": new.pk}


def test_a_line_is_a_line(boss):
    place("R-1", ((24.94, 60.17), (24.95, 60.18)), kind="road")
    assert assets(boss)["features"][0]["geometry"]["type"] == "LineString"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["C-1", "L-1", "L-2", "L-3", "T-1"]),
        ({"domain": "waste"}, ["T-1"]),
        ({"kind": "luminaire"}, ["L-1", "L-2", "L-3"]),
        ({"zone": "north"}, ["C-1", "L-3"]),
        ({"kind": "luminaire", "zone": "north"}, ["L-3"]),
        ({"q": "l-"}, ["L-1", "L-2", "L-3"]),
        ({"q": "truck"}, ["T-1"]),
        ({"q": "truck", "domain": "lighting"}, []),
        ({"domain": "nowhere"}, []),
        ({"bbox": "24.93,60.16,24.945,60.175"}, ["L-1", "T-1"]),
        ({"bbox": "24.945,60.16,24.97,60.19", "kind": "luminaire"}, ["L-2", "L-3"]),
        ({"bbox": "10,10,11,11"}, []),
    ],
)
def test_assets_are_chosen_by_box_domain_kind_zone_and_words(town, boss, query, expected):
    assert uids(boss, **query) == expected and assets(boss, **query)["count"] == len(expected)


def test_pages_hold_each_asset_once(town, boss):
    pages = [uids(boss, page=n, page_size=2) for n in (1, 2, 3, 4)]
    assert pages == [["C-1", "L-1"], ["L-2", "L-3"], ["T-1"], []]
    assert assets(boss, page=3, page_size=2)["count"] == 5


def test_only_what_is_within_reach_is_counted_and_shown(town, anna):
    assert uids(anna) == ["C-1", "L-3"] and assets(anna)["count"] == 2
    assert uids(anna, q="L-") == ["L-3"] and uids(anna, zone="centre") == []
    assert anna.get("/api/v1/zones/").json() == [{"code": "north", "name": "North"}]


def test_zones_are_by_name(town, boss):
    assert [zone["code"] for zone in boss.get("/api/v1/zones/").json()] == ["centre", "north"]


WRONG = [
    ("assets/", "bbox=1,2,3", "bbox"),
    ("assets/", "bbox=a,b,c,d", "bbox"),
    ("assets/", "bbox=25,60,24,61", "bbox"),
    ("assets/", "bbox=nan,nan,nan,nan", "bbox"),
    ("assets/", "page=0", "page"),
    ("assets/", "page=²", "page"),
    ("assets/", f"page={'9' * 5000}", "page"),
    ("assets/", "page_size=many", "page_size"),
    ("commands/", "limit=-1", "limit"),
    ("commands/", "from=--5", "from"),
    ("commands/", "from=²", "from"),
    ("commands/", "from=99999999999999999999", "from"),
    ("commands/", f"from={'9' * 5000}", "from"),
    ("commands/", "from=2026-11-19T16:42", "from"),
    ("commands/", "from=2026-13-19T16:42Z", "from"),
    ("alarms/", "to=-99999999999999999", "to"),
    ("alarms/", "state=loud", "state"),
    ("ledger/", "to=yesterday", "to"),
]


@pytest.mark.parametrize(("route", "query", "field"), WRONG, ids=[f"{r}?{q[:30]}" for r, q, _ in WRONG])
def test_a_query_that_makes_no_sense_is_refused_and_says_which_part(boss, route, query, field):
    answer = boss.get(f"/api/v1/{route}?{query}")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    found = answer.json()
    assert list(found["errors"]) == [field] and found["title"] == "Bad Request" and found["request_id"]


@pytest.mark.parametrize(
    "route", ["assets/?q=%00", "assets/?domain=%00", "assets/%00", "devices/?q=%00", "commands/?asset=%00"]
)
def test_what_no_database_can_look_for_is_refused(town, boss, route):
    assert boss.get(f"/api/v1/{route}").status_code == 400


@pytest.mark.parametrize("route", ["alarms/{}", "quarantine/{}/body", "series/{}/readings", "series/{}/forecast"])
def test_a_number_that_nothing_has_is_not_found_however_long(boss, route):
    for number in (987_654, 2**63, 10**40):
        assert boss.get(f"/api/v1/{route.format(number)}").status_code == 404


@pytest.mark.parametrize("what", ["readings?grain=raw&", "readings?grain=1d&", "completeness?", "forecast?"])
@pytest.mark.parametrize("year", ["0001", "9999"])
def test_the_first_and_the_last_year_are_asked_for_in_vain(town, boss, what, year):
    device = Device.objects.create(uid="L-3", asset=Asset.objects.get(uid="L-3"))
    number = Series.objects.create(device=device, metric="lighting.power_w").pk
    span = f"from={year}-12-24T00:00Z&to={year}-12-30T00:00Z&at={year}-12-30T00:00Z"
    answer = boss.get(f"/api/v1/series/{number}/{what}{span}")
    assert answer.status_code == 200 and not [row for row in answer.json().get("results", []) if row[1]]


def test_metrics_are_the_record_of_what_is_processed(boss, anna, client):
    every = client.get("/api/v1/metrics/").json()
    assert {row["name"] for row in every} == {n for n, m in declared.metrics().items() if m.domain == "lighting"}
    power = next(row for row in every if row["name"] == "lighting.power_w")
    assert (power["unit"], power["data_class"], power["total"]) == ("W", "internal", "mean")
    assert power["purpose"] and power["keep_raw_days"] > 0
    client.force_login(get_user_model()._default_manager.get(username="boss"))
    assert {row["name"] for row in client.get("/api/v1/metrics/").json()} == set(declared.metrics())


def test_the_interface_describes_every_path_of_itself(boss):
    described = boss.get("/api/v1/schema", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    assert described["openapi"].startswith("3.1")
    assert {"/api/v1/assets/", "/api/v1/series/{series_id}/readings", "/api/v1/commands/"} <= set(described["paths"])
    key = [p["name"] for p in described["paths"]["/api/v1/commands/"]["post"]["parameters"]]
    assert key == ["Idempotency-Key"]


def test_people_read_it_without_anything_from_elsewhere(boss):
    answer = boss.get("/api/v1/docs")
    page = answer.content.decode()
    assert answer.status_code == 200 and 'src="/api/v1/docs?script=' in page
    assert "/api/v1/schema" in boss.get("/api/v1/docs?script=").content.decode()
    assert "http://" not in page and "https://" not in page


def test_health_is_read_by_machines_too(boss, monkeypatch):
    monkeypatch.setattr(vitals, "sources", {"event_loop": lambda: {"worst_lag_ms": 3.0}})
    answer = boss.get("/api/v1/metrics")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/plain")
    assert "smartcity_event_loop_worst_lag_ms 3.0" in answer.content.decode()
    assert boss.get("/api/v1/health").json() == {"event_loop": {"worst_lag_ms": 3.0}}


def test_the_ledger_keeps_simulated_and_measured_worth_apart_and_is_newest_first(anna):
    now = clock.now()
    for day, domain in ((2, "lighting"), (1, "lighting"), (1, "waste")):
        LedgerEntry.objects.create(
            domain=domain, kpi="energy", title="Energy", unit="kWh", baseline_name="last year",
            from_at=now - timedelta(days=day), to_at=now - timedelta(days=day - 1),
            simulated_value=4.0 * day, simulated_baseline=9.0,
        )  # fmt: skip
    found = anna.get("/api/v1/ledger/").json()["results"]
    assert [row["simulated_value"] for row in found] == [4.0, 8.0] and {row["domain"] for row in found} == {"lighting"}
    assert (found[0]["measured_value"], found[0]["measured_baseline"], found[0]["unit"]) == (None, None, "kWh")
    since = {"from": (now - timedelta(days=1, minutes=1)).isoformat()}
    assert len(anna.get("/api/v1/ledger/", since).json()["results"]) == 1
    assert len(anna.get("/api/v1/ledger/", {"limit": 1}).json()["results"]) == 1
    assert anna.get("/api/v1/ledger/", {"domain": "waste"}).json()["results"] == []


def test_who_asks_too_often_is_told_when_to_come_back(boss, monkeypatch):
    monkeypatch.setattr(PerUser, "rate", "2/min", raising=False)
    monkeypatch.setattr(PerUser, "_alone_until", 0.0)
    for name in ("default", "here"):
        caches[name].clear()
    answers = [boss.get("/api/v1/zones/") for _ in range(3)]
    for name in ("default", "here"):
        caches[name].clear()
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2]["Retry-After"]) <= 60
    assert answers[2]["Content-Type"] == "application/problem+json" and answers[2].json()["status"] == 429


def test_what_cannot_be_read_is_a_problem_in_the_same_form(boss):
    for body, kind, status in (("{", "application/json", 400), ("x", "text/csv", 415)):
        answer = boss.post("/api/v1/commands/", data=body, content_type=kind)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert boss.delete("/api/v1/assets/").status_code in (403, 405)
    assert json.loads(boss.get("/api/v1/assets/none").content)["detail"] == "There is no asset none."
