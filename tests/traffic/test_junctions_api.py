# SPDX-License-Identifier: Apache-2.0
"""What other systems are told of junctions: levels of service, within the caller's reach, at a bounded cost."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import LineString, Point
from django.db import connections
from django.utils import timezone

from smartcity.api.models import Grant
from smartcity.devices.models import Device, Series, Zone
from smartcity.kernel.clock import Anchor, clock
from tests.traffic.build import programme
from traffic.models import Approach, Intersection

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases="__all__")]
MINUTE = 60_000


@pytest.fixture
def now():
    at = 1_700_000_100_000
    clock.adopt(Anchor(at, 0, 0.0, 0.0, simulated=True))
    yield at
    clock.adopt(Anchor(0, 0, 1.0, 1.0, simulated=False))


def crossing(uid="K-1", zone="centre", lon=24.9, spoken=True, streets=("Main", "Side")):
    where, _ = Zone.objects.get_or_create(code=zone, defaults={"name": zone.title()})
    common = {"domain": "traffic", "zone": where, "simulated": True}
    signal = Intersection.objects.create(
        uid=uid, kind="intersection", name=f"Main / Side {uid}", geom=Point(lon, 60.2), streets=list(streets),
        external_id=uid, **common,
    )  # fmt: skip
    announced = programme().announced()
    if uid != "K-1":
        announced["approaches"] = {f"{uid}.{name}": data for name, data in announced["approaches"].items()}
        for stage in announced["stages"]:
            stage["serves"] = {f"{uid}.{name}": share for name, share in stage["serves"].items()}
    Device.objects.create(
        uid=uid, asset=signal, announced=announced if spoken else {}, announced_version=3, announced_at=timezone.now()
    )
    for number in (1, 2, 3):
        name = f"A-{number}" if uid == "K-1" else f"{uid}.A-{number}"
        road = LineString((lon - 0.002, 60.2), (lon, 60.2))
        part = Approach.objects.create(
            uid=name, kind="approach", name=f"Main from {number}", parent=signal, heading=90.0 * number, length_m=150,
            lanes=1, speed_kmh=40, external_id=name, geom=road, **common,
        )  # fmt: skip
        Device.objects.create(uid=name, asset=part)
    return signal


def write(uid, metric, at, values):
    """Readings as rows and the last of them as the latest value."""
    series, _ = Series.objects.get_or_create(device=Device.objects.get(uid=uid), metric=f"traffic.{metric}")
    last = [series.pk, at[-1], values[-1], at[-1]]
    with connections["telemetry"].cursor() as cursor:
        cursor.execute("DELETE FROM reading WHERE series = %s AND at >= %s", [series.pk, at[0]])
        cursor.executemany(
            "INSERT INTO reading(at, series, value, quality, delay_s) VALUES (%s, %s, %s, 0, 0)",
            [[instant, series.pk, value] for instant, value in zip(at, values, strict=True)],
        )
        cursor.execute("DELETE FROM latest WHERE series = %s", [series.pk])
        cursor.execute("INSERT INTO latest(series, at, value, quality, received_at) VALUES (%s, %s, %s, 0, %s)", last)


def say(uid, at, **values):
    for name, value in values.items():
        write(uid, name, [at], [float(value)])


def run_stages(uid, now, minutes=15):
    """Stage 1 for 30 s, 5 s between, stage 2 for 20 s, 5 s between."""
    at = list(range(now - minutes * MINUTE, now + 1, 5000))
    place = [instant // 1000 % 60 for instant in at]
    write(uid, "stage", at, [1.0 if p < 30 else 0.0 if p < 35 else 2.0 if p < 55 else 0.0 for p in place])


def as_somebody(client, domain="traffic", zone=""):
    anna = get_user_model()._default_manager.create(username=f"anna{domain}{zone}")
    Grant.objects.create(user=anna, action="view", domain=domain, zone=zone)
    client.force_login(anna)
    return client


def test_a_junction_says_how_full_each_approach_is(client, now):
    crossing()
    run_stages("K-1", now)
    say("K-1", now, control_delay=24.0, flow=900)
    say("A-1", now, flow=450, queue=6, speed=18)
    found = as_somebody(client).get("/api/v1/traffic/junctions/K-1").json()
    assert (found["delay_s"], found["delay_is"], found["level"], found["cycle_s"]) == (24.0, "measured", "B", 60)
    assert found["green_share"] == {"1": pytest.approx(0.5, abs=0.02), "2": pytest.approx(0.333, abs=0.02)}
    one = next(part for part in found["approaches"] if part["uid"] == "A-1")
    assert one["saturation"] == pytest.approx(0.5, abs=0.02) and one["level"] == "A" and one["storage"] == 20.0
    assert (one["queue"], one["back_m"], one["travel_s"]) == (6.0, 45, 30.0)


def test_of_a_junction_that_never_spoke_nothing_is_made_up(client, now):
    crossing(spoken=False)
    found = as_somebody(client).get("/api/v1/traffic/junctions/K-1").json()
    assert found["delay_s"] is None and found["level"] is None and found["cycle_s"] is None
    assert {part["saturation"] for part in found["approaches"]} == {None}


def test_old_readings_are_not_the_present(client, now):
    crossing()
    say("A-1", now - 2 * MINUTE, flow=450, queue=6)
    found = as_somebody(client).get("/api/v1/traffic/junctions/K-1").json()
    assert {part["queue"] for part in found["approaches"]} == {None}


def test_levels_of_service_come_as_points_and_lines_in_pages(client, now):
    for number in range(1, 4):
        crossing(f"K-{number}")
    found = as_somebody(client).get("/api/v1/traffic/service", {"page_size": 2}).json()
    assert (found["type"], found["count"], found["next"], found["mode"]) == (
        "FeatureCollection", 3, "page=2", "SIMULATION",
    )  # fmt: skip
    kinds = [(f["geometry"]["type"], f["properties"]["kind"]) for f in found["features"]]
    assert kinds == [("Point", "junction"), *[("LineString", "section")] * 3] * 2
    assert len(client.get("/api/v1/traffic/service", {"page": 2, "page_size": 2}).json()["features"]) == 4


@pytest.mark.parametrize("query", [{"scale": "x"}, {"bbox": "1,2"}, {"page": "-1"}])
def test_a_question_that_makes_no_sense_is_refused_in_words(client, now, query):
    assert as_somebody(client).get("/api/v1/traffic/service", query).status_code == 400


def usual_days(uid, metric, now, value, days=21):
    """Quarters of so many days before, six hours around now."""
    series, _ = Series.objects.get_or_create(device=Device.objects.get(uid=uid), metric=f"traffic.{metric}")
    with connections["telemetry"].cursor() as cursor:
        for day in range(1, days + 1):
            for quarter in range(-20, 8):
                bucket = now // 900_000 * 900_000 - day * 86_400_000 + quarter * 900_000
                cursor.execute(
                    "INSERT INTO rollup_15m(bucket, series, n, n_good, total, low, high, last) "
                    "VALUES (%s, %s, 1, 1, %s, %s, %s, %s)",
                    [bucket, series.pk, *[value] * 4],
                )


def test_the_next_hour_starts_where_today_is_and_fades_into_the_usual_day(client, now):
    crossing()
    usual_days("A-1", "flow", now, 400.0)
    at = list(range(now - 4 * 3_600_000, now, MINUTE))
    write("A-1", "flow", at, [500.0 + (instant // MINUTE * 37 % 41) for instant in at])
    found = as_somebody(client).get("/api/v1/traffic/junctions/K-1/nowcast").json()
    assert found["step_s"] == 300 and found["start"] % 300_000 == 0
    one = next(part for part in found["approaches"] if part["uid"] == "A-1")
    assert len(one["flow"]) == 12 and one["queue"] is None and one["travel_s"] is None
    value, low, high = one["flow"][0]
    assert 490 < value < 540 and low <= value <= high
    others = [part["flow"] for part in found["approaches"] if part["uid"] != "A-1"]
    assert others == [None, None]


def test_travel_time_is_the_section_at_the_speed_foreseen(client, now):
    crossing()
    usual_days("A-1", "speed", now, 30.0)
    at = list(range(now - 4 * 3_600_000, now, MINUTE))
    write("A-1", "speed", at, [30.0] * len(at))
    found = as_somebody(client).get("/api/v1/traffic/junctions/K-1/nowcast").json()
    one = next(part for part in found["approaches"] if part["uid"] == "A-1")
    assert one["travel_s"][0] == [18.0, 18.0, 18.0]


PATHS = ["service", "junctions/K-1", "junctions/K-1/nowcast"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("domain", "zone"), [("waste", ""), ("traffic", "north")])
def test_whose_grants_lie_elsewhere_sees_nothing_of_it(client, now, path, domain, zone):
    crossing()
    answer = as_somebody(client, domain, zone).get(f"/api/v1/traffic/{path}")
    assert "K-1" not in answer.content.decode().replace("no junction K-1", "") and "A-1" not in answer.content.decode()


def test_what_it_costs_does_not_grow_with_the_junctions(client, now, django_assert_max_num_queries):
    for number in range(1, 4):
        crossing(f"K-{number}")
        run_stages(f"K-{number}", now, 2)
    as_somebody(client)
    with django_assert_max_num_queries(10), django_assert_max_num_queries(4, connection=connections["telemetry"]):
        assert client.get("/api/v1/traffic/service").json()["count"] == 3
