# SPDX-License-Identifier: Apache-2.0
"""An intersection's event log, its measures and its before/after over REST, and who may see them."""

from __future__ import annotations

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import LineString, Point

from smartcity.api.models import Grant
from smartcity.devices.models import Device, Series, Zone
from smartcity.telemetry.batch import Batch
from smartcity.telemetry.store import Store
from tests.telemetry.conftest import telemetry  # noqa: F401 a fixture
from tests.traffic import logged
from traffic.models import Approach, Intersection

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases="__all__", transaction=True)]
BEGIN = 1_800_000_000_000  # 2027-01-15 08:00 UTC
HOUR, QUARTER = 3_600_000, 900_000
APPROACHES = ["A-1", "A-2", "A-3"]


@pytest.fixture
def boss(client):
    client.force_login(get_user_model()._default_manager.create(username="boss", is_superuser=True))
    return client


@pytest.fixture
def junction(telemetry):  # noqa: F811
    zone = Zone.objects.create(code="centre", name="Centre")
    at = {"domain": "traffic", "zone": zone}
    place = Intersection.objects.create(
        uid="K-1", kind="intersection", name="Main / Side", geom=Point(24.94, 60.17), **at
    )
    line = LineString((24.93, 60.17), (24.94, 60.17))
    for uid in APPROACHES:
        named = {"kind": "approach", "name": f"{uid} from the west", "heading": 90, "length_m": 50, "parent": place}
        Approach.objects.create(uid=uid, geom=line, **named, **at)
    announced, batches = logged.log(APPROACHES, BEGIN)
    device = Device.objects.create(uid="K-1", asset=place, codec="traffic_signal", announced=announced)
    store = Store()
    store.write(Batch(now_ms=BEGIN + HOUR, logged=logged.stored(batches, device.pk)))
    yield device
    store.close()


def ask(client, what, **query):
    answer = client.get(f"/api/v1/traffic/intersections/K-1/{what}", {"from": BEGIN, "to": BEGIN + HOUR} | query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_log_is_read_page_by_page_without_parting_an_instant(junction, boss):
    whole = ask(boss, "events", limit=20_000)
    assert (whole["next"], whole["clock"]["median_error_ms"], whole["words"]["1"]) == (None, 250, "green begins")
    rows: list[list[int]] = []
    start = BEGIN
    while start is not None:
        page = ask(boss, "events", limit=100, **{"from": start})
        assert page["results"][0][0] >= start
        rows, start = rows + page["results"], page["next"]
    assert rows == whole["results"] and len(rows) > 1000


def test_the_log_is_a_file_that_says_it_is_simulated(junction, boss):
    answer = boss.get("/api/v1/traffic/intersections/K-1/events", {"from": BEGIN, "to": BEGIN + 60_000, "as": "csv"})
    head, first, *_ = answer.content.decode().splitlines()
    assert head.startswith("at,device,code,parameter,event")
    assert first.startswith("2027-01-15T08:00:00.000+00:00,K-1,0,1,phase on")


def test_measures_name_phases_by_their_approaches_and_count_what_the_log_holds(junction, boss):
    found = ask(boss, "measures", phase=2)
    first = found["phases"][0]
    assert (first["phase"], first["approach"], first["name"]) == (1, "A-1", "A-1 from the west")
    assert first["mean_split_s"] == 35.0 and first["ended"] == {"gap-out": 0, "max-out": 0, "force-off": 69}
    assert first["green_share"] == pytest.approx(30 / 52, abs=0.01) and first["on_red"] == 0
    assert 380 < first["arrivals"] < 480 and 0.4 < first["on_green"] < 0.75
    assert found["crossings"][0]["walks"] > 60 and found["crossings"][0]["mean_delay_s"] > 0
    assert found["diagram"]["phase"] == 2 and len(found["diagram"]["begin"]) > 60
    assert sum(found["quarters"][0]["arrivals"]) == first["arrivals"]
    assert {d["verdict"] for d in found["detectors"]} == {"well"}
    assert found["clock"] == {"batches": 120, "median_error_ms": 250, "most_error_ms": 250}


def test_a_span_without_events_and_a_controller_without_a_log_say_so(junction, boss):
    empty = ask(boss, "measures", **{"from": BEGIN - 2 * HOUR, "to": BEGIN - HOUR})
    assert (empty["events"], empty["phases"][0]["on_green"], empty["diagram"]["begin"]) == (0, None, [])
    Device.objects.update(announced={})
    assert "announced no event log" in ask(boss, "measures")["why"]


def test_a_phase_that_is_not_there_is_refused(junction, boss):
    answer = boss.get("/api/v1/traffic/intersections/K-1/measures", {"from": BEGIN, "to": BEGIN + HOUR, "phase": 99})
    assert answer.status_code == 400


def write_quarters(device, metric, values, begin=BEGIN):
    series = Series.objects.create(device=device, metric=metric).pk
    store, at = Store(), begin + QUARTER * np.arange(len(values))
    store.bulk(np.full(len(at), series), at + 1000, np.array(values, float), now_ms=int(at[-1]) + QUARTER)
    store.close()


def test_beside_the_fixed_plan_each_line_is_better_worse_or_open(junction, boss):
    noise = np.random.default_rng(1).normal(0, 1, 96)
    write_quarters(junction, "traffic.fixed_plan_delay", 30 + noise)
    write_quarters(junction, "traffic.control_delay", 24 + noise)
    write_quarters(junction, "traffic.fixed_plan_pedestrian_wait", 20 + noise)
    write_quarters(junction, "traffic.pedestrian_wait", 23 + noise)
    found = ask(boss, "comparison", to=BEGIN + 24 * HOUR)
    assert {row["title"]: row["verdict"] for row in found["rows"]} == {
        "Control delay, vehicles": "better", "Wait on foot": "worse",
    }  # fmt: skip
    assert (found["beside"], found["rows"][0]["pairs"]) == ("fixed plan", 96)
    assert found["rows"][0]["low"] <= found["rows"][0]["difference"] == -6.0 <= found["rows"][0]["high"]


def test_two_spans_are_paired_by_the_quarter_of_the_week(junction, boss):
    week = 7 * 24 * HOUR
    write_quarters(junction, "traffic.control_delay", [20.0] * 48 + [np.nan] * 624 + [26.0] * 40)
    span = {"from": BEGIN + week, "to": BEGIN + week + 12 * HOUR}
    found = ask(boss, "comparison", before_from=BEGIN, before_to=BEGIN + 12 * HOUR, **span)
    assert found["rows"][0] | {"low": 6.0, "high": 6.0} == {
        "title": "Control delay, vehicles", "unit": "s/veh", "pairs": 40, "before": 20.0, "after": 26.0,
        "difference": 6.0, "low": 6.0, "high": 6.0, "verdict": "worse",
    }  # fmt: skip
    assert [row["title"] for row in found["rows"][1:]] == [f"Approach delay, {uid} from the west" for uid in APPROACHES]


@pytest.mark.parametrize("what", ["events", "measures", "comparison"])
def test_who_may_look_elsewhere_only_finds_nothing(junction, client, what):
    ben = get_user_model()._default_manager.create(username="ben")
    Grant.objects.create(user=ben, action="view", domain="traffic", zone="north")
    client.force_login(ben)
    assert client.get(f"/api/v1/traffic/intersections/K-1/{what}").status_code == 404
    assert client.get("/traffic/measures/K-1/").status_code == 404
