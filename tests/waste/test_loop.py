# SPDX-License-Identifier: Apache-2.0
"""The database meets the planner: a town imported as the demo imports it."""

from __future__ import annotations

import numpy as np
import pytest
from django.contrib.gis.geos import LineString, Point

from smartcity.devices.models import CityImport, Device, EngineeringRecord, Road, Series, Zone
from smartcity.kernel.control import Mode
from smartcity.telemetry.store import Store
from tests.waste.build import roads
from waste import inventory, loop
from waste.controller import decide
from waste.models import Container, Depot, StopReport, Truck, UnloadSite

pytestmark = pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)
TEN_LOCAL = 1_796_025_600_000
HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def forgotten():
    for known in (inventory._inventory, inventory._roads, inventory._between, inventory._learned, loop._usual):
        known.cache_clear()


@pytest.fixture
def town(settings):
    settings.CITY_TIME_ZONE = "Europe/Helsinki"
    zone = Zone.objects.create(code="centre", name="Centre")
    number = CityImport.objects.create(source="test", is_current=True).pk
    Road.objects.bulk_create(
        Road(
            way=p.way, tail=p.tail, head=p.head, name=p.name, highway="residential", length_m=p.length_m,
            speed_ms=p.speed_ms, geom=LineString(*p.points, srid=4326), import_number=number,
        )
        for p in roads().pieces
    )  # fmt: skip

    def asset(model, uid, lon, lat, metrics=(), **fields):
        kind = {Container: "container", Depot: "depot", UnloadSite: "unload_site", Truck: "truck"}[model]
        at, named = Point(lon, lat, srid=4326), {"uid": uid, "name": uid, "domain": "waste", "kind": kind}
        own = model.objects.create(**named, geom=at, zone=zone, simulated=True, **fields)
        device = Device.objects.create(uid=uid, asset=own, simulated=True)
        Series.objects.bulk_create(Series(device=device, metric=metric) for metric in metrics)
        EngineeringRecord.objects.create(asset=own, data=fields)
        return own

    asset(Depot, "D-1", 24.9, 60.1)
    asset(UnloadSite, "U-1", 24.907, 60.104, open_from=6.0, open_to=22.0)
    aboard = ("waste.truck_state", "waste.load", "waste.stops_left", "waste.odometer")
    asset(Truck, "RT-1", 24.9, 60.1, aboard, capacity_kg=500.0, shift_from=6.0, shift_to=14.0)
    known = {"kg_full": 100.0, "rota_every_days": 1, "rota_phase": 0}
    for i in range(4):
        asset(Container, f"C-{i}", 24.9011 + 0.002 * i, 60.1005, ("waste.fill_level",), **known)
    echo = {"kg_full": 100.0, "rota_every_days": 3, "rota_phase": 0, "empty_mm": 1000.0, "full_mm": 100.0}
    asset(Container, "C-4", 24.9011, 60.1025, ("waste.distance",), **echo)


def measure(now, levels, *, days=10, truck=(1.0, 0.0, 0.0), echo=550.0):
    """Hourly levels that lead up to `levels` at 20 % a day, emptied at 90, and what the truck says now."""
    series = {(s.device.uid, s.metric): s.pk for s in Series.objects.select_related("device")}
    store, rows = Store(), []
    for uid, level in levels.items():
        for back in range(days * 24):
            rows.append((series[uid, "waste.fill_level"], now - back * HOUR_MS - 60_000, (level - back * 20 / 24) % 91))
    rows.append((series["C-4", "waste.distance"], now - 60_000, echo))
    for back in range(24):
        rows.append((series["RT-1", "waste.odometer"], now - back * HOUR_MS - 60_000, 100.0 - 0.25 * back))
    for metric, value in zip(("truck_state", "load", "stops_left"), truck, strict=True):
        rows.append((series["RT-1", f"waste.{metric}"], now - 10_000, value))
    ids, at, values = (np.array(column) for column in zip(*rows, strict=True))
    store.bulk(ids.astype(int), at.astype(np.int64), values.astype(float), now_ms=now)
    store.mend_all()
    store.close()


def test_an_empty_city_is_an_empty_picture():
    assert loop.gather(TEN_LOCAL).bins == () and loop.headline(TEN_LOCAL).value is None
    assert loop.worth(TEN_LOCAL - HOUR_MS, TEN_LOCAL) == []


def test_the_picture_holds_levels_rates_distances_and_the_truck(town, django_assert_max_num_queries):
    measure(TEN_LOCAL, {f"C-{i}": 80.0 for i in range(4)})
    with django_assert_max_num_queries(12):
        shown = loop.gather(TEN_LOCAL)
    assert shown.hour == pytest.approx(10.0, abs=0.01)
    levels = {item.uid: round(item.level or 0) for item in shown.bins}
    assert levels == {"C-0": 80, "C-1": 80, "C-2": 80, "C-3": 80, "C-4": 50}
    own, leaning = shown.bins[0].filling, shown.bins[4].filling
    assert own and own.mean == pytest.approx(20, rel=0.1) and own.is_own
    assert leaning and not leaning.is_own
    assert shown.trucks[0].state == "at the depot" and np.isfinite(shown.seconds).all()
    assert shown.bins[4].proof == ("waste.distance", 820.0, 1100.0)


def test_the_second_look_is_cheap(town, django_assert_max_num_queries):
    measure(TEN_LOCAL, {"C-0": 80.0})
    loop.gather(TEN_LOCAL)
    with django_assert_max_num_queries(5):
        loop.gather(TEN_LOCAL + 1000)


def test_full_containers_become_a_route(town):
    measure(TEN_LOCAL, {f"C-{i}": 90.0 for i in range(4)})
    (setpoint,) = decide(loop.gather(TEN_LOCAL), loop.LOOPS[0].policy)
    assert setpoint.point == "route" and setpoint.asset == "RT-1"
    assert {stop.partition(":")[0] for stop in str(setpoint.value).split()} >= {"C-0", "C-1", "C-2", "C-3", "U-1"}


def test_a_route_names_the_readings_and_the_time_to_full_it_rests_on_with_their_instants(town):
    measure(TEN_LOCAL, {f"C-{i}": 90.0 for i in range(4)})
    (setpoint,) = decide(loop.gather(TEN_LOCAL), loop.LOOPS[0].policy)
    series = Series.objects.get(device__uid="C-0", metric="waste.fill_level").pk
    echo = Series.objects.get(device__uid="C-4", metric="waste.distance").pk
    learned = TEN_LOCAL // (6 * HOUR_MS) * 6 * HOUR_MS
    assert {f"series:{series}@{TEN_LOCAL - 60_000}", f"forecast:{series}@{learned}"} <= set(setpoint.rests_on)
    assert loop.gather(TEN_LOCAL).bins[4].basis[0] == f"series:{echo}@{TEN_LOCAL - 60_000}"


def forget(model, uid, *names):
    """The map said nothing of these."""
    model.objects.filter(uid=uid).update(**dict.fromkeys(names))
    EngineeringRecord.objects.filter(asset__uid=uid).delete()


def test_a_container_of_unknown_weight_is_not_planned_and_the_reason_says_so(town):
    forget(Container, "C-0", "kg_full", "service_s", "rota_every_days")
    measure(TEN_LOCAL, {f"C-{i}": 90.0 for i in range(4)})
    shown = loop.gather(TEN_LOCAL)
    assert shown.bins[0].kg_full is None and not shown.bins[0].on_rota_today
    (setpoint,) = decide(shown, loop.LOOPS[0].policy)
    assert "C-0" not in str(setpoint.value)
    assert "C-0, what it weighs when full is not known" in setpoint.reason
    assert {w.kpi: w.baseline for w in loop.worth(TEN_LOCAL - 24 * HOUR_MS, TEN_LOCAL)}["visits"] == 3


def test_an_echo_without_the_container_s_depth_is_no_level(town):
    forget(Container, "C-4", "empty_mm", "full_mm")
    measure(TEN_LOCAL, {"C-0": 60.0})
    blind = loop.gather(TEN_LOCAL).bins[4]
    assert (blind.level, blind.proof) == (None, None)


def test_no_truck_is_sent_to_a_gate_whose_hours_nobody_knows(town):
    forget(UnloadSite, "U-1", "open_from", "open_to", "service_s")
    measure(TEN_LOCAL, {f"C-{i}": 90.0 for i in range(4)})
    assert loop.gather(TEN_LOCAL).sites == () and decide(loop.gather(TEN_LOCAL), loop.LOOPS[0].policy) == []


def test_a_silent_truck_is_told_nothing(town):
    measure(TEN_LOCAL, {f"C-{i}": 90.0 for i in range(4)})
    assert decide(loop.gather(TEN_LOCAL + 400_000), loop.LOOPS[0].policy) == []


@pytest.mark.parametrize(
    ("outcome", "level", "blocked"), [("done", 0, ""), ("overfull", 100, ""), ("blocked", 60, "RT-1")]
)
def test_what_the_crew_said_counts_until_the_sensor_speaks(town, outcome, level, blocked):
    from datetime import UTC, datetime
    from uuid import uuid4

    measure(TEN_LOCAL, {"C-0": 60.0})
    at = datetime.fromtimestamp(TEN_LOCAL / 1000 - 5, UTC)
    truck, container = Truck.objects.get(), Container.objects.get(uid="C-0")
    StopReport.objects.create(id=uuid4(), truck=truck, container=container, outcome=outcome, at=at, by="crew")
    item = loop.gather(TEN_LOCAL).bins[0]
    assert round(item.level or 0) == level and blocked in item.blocked
    assert blocked or item.basis[0] == f"{outcome} by RT-1@{TEN_LOCAL - 5000}"


def test_what_a_truck_has_announced_is_promised(town):
    measure(TEN_LOCAL, {f"C-{i}": 90.0 for i in range(4)}, truck=(2.0, 0.0, 2.0))
    Device.objects.filter(uid="RT-1").update(announced={"route": {"next": "C-0", "left": ["C-1"], "done": []}})
    assert loop.gather(TEN_LOCAL).trucks[0].promised == ("C-0", "C-1")


def test_the_worth_of_a_day_has_three_figures_beside_the_rota(town):
    measure(TEN_LOCAL, {f"C-{i}": 50.0 for i in range(4)})
    found = {w.kpi: w for w in loop.worth(TEN_LOCAL - 24 * HOUR_MS, TEN_LOCAL)}
    assert set(found) == {"distance", "visits", "overflow_hours"}
    assert found["visits"].baseline == 4 and found["distance"].baseline > 0.3
    assert found["distance"].value == pytest.approx(5.75)


def test_hours_before_the_first_truck_was_heard_are_compared_with_nothing(town):
    measure(TEN_LOCAL, {f"C-{i}": 50.0 for i in range(4)})
    assert loop.worth(TEN_LOCAL - 72 * HOUR_MS, TEN_LOCAL - 48 * HOUR_MS) == []


@pytest.mark.parametrize(
    ("course", "km"), [([5.0, 7.5, 8.0], 3.0), ([5.0, 7.5, 1.0, 2.0], 4.5), ([5.0], 0.0), ([], 0.0)]
)
def test_an_odometer_that_begins_anew_counts_from_zero(course, km):
    assert loop._grown(np.array([np.nan, *course])) == km


def test_the_headline_counts_full_containers_and_trucks_out(town):
    measure(TEN_LOCAL, {"C-0": 90.0, "C-1": 10.0}, truck=(2.0, 0.0, 3.0), echo=100.0)
    shown = loop.headline(TEN_LOCAL)
    assert shown.line == "1 of 3 full · 1 of 1 trucks out" and shown.value == pytest.approx(66.7)


def test_the_fill_level_stands_beside_what_is_usual_at_this_hour(town, django_assert_max_num_queries):
    measure(TEN_LOCAL, {f"C-{i}": 40.0 for i in range(4)}, days=20)
    shown = loop.headline(TEN_LOCAL)
    hour = TEN_LOCAL // HOUR_MS * HOUR_MS
    before = [hour - back * 24 * HOUR_MS for back in range(1, 20)]
    ends = [(40.0 - (TEN_LOCAL - at - HOUR_MS) / HOUR_MS * 20 / 24) % 91 for at in before]
    assert shown.normal is not None and shown.normal.basis.endswith("working days")
    assert min(ends) <= shown.normal.low < shown.normal.usual < shown.normal.high <= max(ends)
    with django_assert_max_num_queries(3):
        assert loop.headline(TEN_LOCAL + 60_000).normal == shown.normal


def test_the_loop_has_words_of_its_trade():
    assert loop.LOOPS[0].words[Mode.LOCAL] == "Fixed rota"


def test_a_sensor_that_has_missed_three_reports_proves_nothing(town):
    measure(TEN_LOCAL, {f"C-{i}": 90.0 for i in range(4)})
    assert all(item.proof for item in loop.gather(TEN_LOCAL).bins)
    assert not any(item.proof for item in loop.gather(TEN_LOCAL + 2 * HOUR_MS).bins)
