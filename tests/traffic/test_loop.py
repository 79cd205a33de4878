# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from django.contrib.gis.geos import Point
from django.db import connections
from django.utils import timezone

from smartcity.devices.models import Device, Series, Zone
from smartcity.kernel.clock import Anchor, clock
from tests.traffic.build import NOW, programme, values
from traffic import loop
from traffic.models import Approach, Intersection

pytestmark = pytest.mark.django_db(databases=["default", "telemetry"])
QUARTER = 900_000
START = NOW * 1000 // QUARTER * QUARTER


@pytest.fixture
def crossing():
    """One signal with three approaches; answers with series ids by (uid, metric)."""
    zone = Zone.objects.create(code="centre", name="Centre")
    common = {"domain": "traffic", "zone": zone, "geom": Point(24.9, 60.2), "simulated": True}
    signal = Intersection.objects.create(uid="K-1", kind="intersection", name="Main / Side", **common)
    announced = programme().announced()
    Device.objects.create(uid="K-1", asset=signal, announced=announced, announced_at=timezone.now())
    for number in (1, 2, 3):
        uid = f"A-{number}"
        approach = Approach.objects.create(
            uid=uid, kind="approach", name=uid, parent=signal, heading=0, length_m=150, **common
        )
        Device.objects.create(uid=uid, asset=approach)
    loop._inventory.cache_clear()
    loop._usual.cache_clear()
    yield {}
    loop._inventory.cache_clear()
    loop._usual.cache_clear()
    clock.adopt(Anchor(0, 0, 1.0, 1.0, simulated=False))


def say(series, readings):
    """Stores latest values, making the series they need."""
    with connections["telemetry"].cursor() as cursor:
        for (uid, metric), seen in readings.items():
            pk = _series(series, uid, metric)
            cursor.execute(
                "INSERT INTO latest(series, at, value, quality, received_at) VALUES (%s, %s, %s, 0, %s)",
                [pk, seen.at_ms, seen.value, seen.at_ms],
            )


def roll(series, uid, metric, value, bucket=START, grain="15m"):
    with connections["telemetry"].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO rollup_{grain}(bucket, series, n, n_good, total, low, high, last) "
            "VALUES (%s, %s, 1, 1, %s, %s, %s, %s)",
            [bucket, _series(series, uid, metric), value, value, value, value],
        )


def _series(series, uid, metric):
    if (uid, metric) not in series:
        series[uid, metric] = Series.objects.create(device=Device.objects.get(uid=uid), metric=metric).pk
    return series[uid, metric]


def test_the_picture_is_gathered_in_two_queries(crossing, django_assert_num_queries):
    say(crossing, values(main=3))
    loop.gather(NOW * 1000)
    with django_assert_num_queries(1, using="default"), django_assert_num_queries(1, using="telemetry"):
        town = loop.gather(NOW * 1000)
    (junction,) = town.junctions
    assert [a.queue for a in junction.approaches if not a.on_foot] == [3, 3, 0]


def test_what_a_device_announces_anew_is_seen_at_once(crossing):
    say(crossing, values())
    assert loop.gather(NOW * 1000).junctions
    Device.objects.filter(uid="K-1").update(announced={"stages": []}, announced_at=timezone.now())
    assert loop.gather(NOW * 1000).left_alone == (("K-1", "has not announced its stages"),)


def test_a_silent_signal_is_left_to_its_plan(crossing):
    say(crossing, values(at=NOW - 60))
    assert loop.gather(NOW * 1000).left_alone == (("K-1", "does not report its stage"),)


def test_the_headline_takes_three_queries_at_most(crossing, django_assert_max_num_queries):
    say(crossing, values())
    for metric, value in (("control_delay", 12.0), ("control_source", 1.0)):
        say(crossing, {("K-1", f"traffic.{metric}"): _seen(value)})
    say(crossing, {("K-1", "traffic.flow"): _seen(900.0)})
    loop.headline(NOW * 1000)
    with django_assert_max_num_queries(3):
        figure = loop.headline(NOW * 1000)
    assert (figure.value, figure.unit) == (12.0, "s/veh")
    assert figure.line.startswith("1 of 1 adaptive · 900 veh/h")


def test_the_delay_stands_beside_what_is_usual_at_this_hour(crossing):
    hour = NOW * 1000 // loop.HOUR_MS * loop.HOUR_MS
    for back in range(1, 15):
        roll(crossing, "K-1", "traffic.control_delay", 10.0 + back, hour - back * loop.DAY_MS, "1h")
        roll(crossing, "K-1", "traffic.flow", 600.0, hour - back * loop.DAY_MS, "1h")
    found = loop.headline(NOW * 1000).normal
    assert found is not None and 10.0 < found.low < found.usual < found.high <= 24.0


def test_an_empty_city_has_a_headline_too():
    loop._inventory.cache_clear()
    assert loop.headline(NOW * 1000).line == "no signals yet"
    assert loop.worth(START, START + QUARTER) == []


def test_worth_compares_what_the_same_quarter_cost_on_the_fixed_plan(crossing):
    clock.adopt(Anchor(NOW * 1000, 0, 1.0, 1.0, simulated=True))
    for quarter, (ours, theirs) in enumerate([(10.0, 20.0), (20.0, None)]):
        bucket = START + quarter * QUARTER
        roll(crossing, "K-1", "traffic.flow", 800.0, bucket)
        roll(crossing, "K-1", "traffic.control_delay", ours, bucket)
        if theirs is not None:
            roll(crossing, "K-1", "traffic.fixed_plan_delay", theirs, bucket)
    (vehicles,) = loop.worth(START, START + 2 * QUARTER)
    assert (vehicles.kpi, vehicles.value, vehicles.baseline) == ("control_delay", 10.0, 20.0)
    assert vehicles.evidence == "simulated"


def _seen(value):
    return next(iter(values(stage=value).values()))
