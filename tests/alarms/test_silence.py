# SPDX-License-Identifier: Apache-2.0
"""When devices fall silent: after how long, and when a thousand are one alarm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.alarms import silence
from smartcity.alarms.evaluate import Evaluator
from smartcity.alarms.models import Alarm
from smartcity.alarms.together import FEW, MANY, Decision, Standing, decide
from smartcity.devices.models import Asset, Device, Series, Zone
from smartcity.kernel.alarms import Severity
from smartcity.kernel.clock import Anchor, clock, wall_ms
from tests.alarms.conftest import MINUTE, NOW, rule


def some(*numbers):
    return frozenset(numbers)


def test_the_limit_is_two_intervals_and_ten_seconds_and_at_least_five_of_the_wall():
    every = np.array([5.0, 60.0, 300.0])
    assert silence.limits_ms(every, 1.0).tolist() == [20_000, 130_000, 610_000]
    assert silence.limits_ms(every, 60.0).tolist() == [300_000, 300_000, 610_000]


@pytest.mark.parametrize(
    ("last_seen", "fell", "heard"),
    [(NOW - 131_000, True, False), (NOW - 130_000, False, True), (0, False, False), (NOW + 5_000, False, True)],
)
def test_silent_after_the_limit_heard_within_it_and_neither_before_the_first_message(last_seen, fell, heard):
    got = silence.silent(np.array([last_seen]), np.array([130_000]), NOW, 0)
    assert [bool(mask[0]) for mask in got] == [fell, heard]


def test_while_nobody_listened_nobody_was_silent():
    long_ago, limit = np.array([NOW - 10 * 3_600_000]), np.array([130_000])
    fell, heard = silence.silent(long_ago, limit, NOW, NOW - 1000)
    assert not fell[0] and not heard[0]
    assert silence.silent(long_ago, limit, NOW, NOW - 131_000)[0][0]


def test_four_silent_ones_stand_for_themselves_and_the_fifth_makes_one_of_all():
    assert decide(some(1, 2, 3, 4), some(), Standing()).raise_single == some(1, 2, 3, 4)
    four = Standing(single=some(1, 2, 3, 4), recent=some(1, 2, 3, 4))
    decision = decide(some(1, 2, 3, 4, 5), some(), four)
    assert decision.group == some(1, 2, 3, 4, 5)
    assert decision.clear_single == some(1, 2, 3, 4) and not decision.raise_single


def test_what_somebody_takes_care_of_already_stays_apart():
    acknowledged = Standing(single=some(1, 2, 3, 4), recent=some())
    assert decide(some(1, 2, 3, 4, 5), some(), acknowledged) == Decision(raise_single=some(5))


def test_a_common_alarm_takes_in_what_follows_and_lets_go_what_is_heard():
    stands = Standing(group=some(1, 2, 3, 4, 5))
    assert decide(some(2, 3, 4, 5, 6, 7), some(1), stands).group == some(2, 3, 4, 5, 6, 7)


def test_it_ends_when_two_are_left_and_these_stand_for_themselves():
    decision = decide(some(1, 2), some(3, 4, 5), Standing(group=some(1, 2, 3, 4, 5)))
    assert decision.group is None and decision.raise_single == some(1, 2)


ASSETS = st.frozensets(st.integers(1, 12))


@given(ASSETS, ASSETS, ASSETS, ASSETS, st.one_of(st.none(), ASSETS))
def test_every_silent_asset_is_covered_once_and_no_heard_one_is(quiet, heard, single, recent, group):
    heard = heard - quiet
    group = None if group is None else group - single
    stands = Standing(single, recent & single, group)
    decision = decide(quiet, heard, stands)
    alone = (single | decision.raise_single) - decision.clear_single
    common = decision.group or frozenset()
    assert quiet <= alone | common
    assert not alone & common
    assert not (alone | common) & heard
    assert decision.group is None or len(decision.group) > FEW


@given(st.permutations(range(1, 31)), st.integers(1, 5))
def test_however_they_trickle_in_never_more_than_four_single_alarms_stand(order, at_once):
    stands = Standing()
    for n in range(0, len(order), at_once):
        decision = decide(frozenset(order[: n + at_once]), frozenset(), stands)
        single = (stands.single | decision.raise_single) - decision.clear_single
        assert len(single) < MANY
        stands = Standing(single, single, decision.group)
    assert stands.group == frozenset(order) and not stands.single


def lamps(zone, count):
    """`count` meters of one zone in a few bulk inserts (multi-table models cannot be bulk created, Asset can)."""
    from django.contrib.gis.geos import Point

    point = Point(24.94, 60.17, srid=4326)
    assets = Asset.objects.bulk_create(
        Asset(
            uid=f"{zone.code}-{n}", domain="energy", kind="meter", name=f"Meter {n}", geom=point, zone=zone,
            external_id=f"{zone.code}-{n}",
        )
        for n in range(count)
    )  # fmt: skip
    devices = Device.objects.bulk_create(Device(uid=asset.uid, asset=asset) for asset in assets)
    Series.objects.bulk_create(Series(device=device, metric="energy.load") for device in devices)
    return [device.pk for device in devices]


@pytest.mark.django_db
@pytest.mark.both_engines
def test_a_thousand_lamps_falling_silent_one_by_one_are_one_calm_alarm(town):
    told = []
    evaluator = Evaluator(grace_s=0)
    devices = lamps(town.zone, 1000)
    evaluator.sweep(NOW)
    for n, pk in enumerate(devices):  # their reports are spread over five minutes, so are their limits
        town.seen[pk] = NOW + (n * 300_000) // 1000
    for tick in range(120, 460, 20):
        told += evaluator.sweep(NOW + tick * 1000)
    (row,) = Alarm.objects.filter(cleared_at=None)
    assert (row.rule, row.asset_id, len(row.members)) == ("zone.silent", None, 1000)
    assert row.text == "Centre: 1000 devices of Energy fell silent together"
    assert len({item["id"] for item in told}) <= 5
    for pk in devices:
        town.seen[pk] = NOW + 500_000
    evaluator.sweep(NOW + 500_000)
    assert not Alarm.objects.filter(cleared_at=None).exists()


@pytest.mark.django_db
@pytest.mark.both_engines
def test_each_zone_has_its_own_common_alarm(town, evaluator):
    harbour = Zone.objects.create(code="harbour", name="Harbour")
    for pk in lamps(town.zone, 6) + lamps(harbour, 3):
        town.seen[pk] = NOW
    evaluator.sweep(NOW)
    evaluator.sweep(NOW + 3 * MINUTE)
    found = sorted(Alarm.objects.filter(cleared_at=None).values_list("rule", "zone__code"))
    assert found == [("device.silent", "harbour")] * 3 + [("zone.silent", "centre")]


@pytest.mark.django_db
@pytest.mark.both_engines
def test_one_silent_device_is_named_and_heard_again(town, evaluator):
    town.meter()
    town.heard("M-1")
    evaluator.sweep(NOW)
    evaluator.sweep(NOW + 3 * MINUTE)
    (row,) = Alarm.objects.filter(cleared_at=None)
    assert (row.text, row.severity) == ("Meter M-1: no message for 3 min", Severity.MEDIUM)
    town.heard("M-1", NOW + 4 * MINUTE)
    evaluator.sweep(NOW + 4 * MINUTE)
    assert not Alarm.objects.filter(cleared_at=None).exists()


@pytest.mark.django_db
def test_a_device_that_was_never_heard_is_not_in_service_yet(town, evaluator):
    town.meter()
    evaluator.sweep(NOW)
    evaluator.sweep(NOW + 3_600_000)
    assert not Alarm.objects.exists()


@pytest.mark.django_db
@pytest.mark.both_engines
def test_a_silence_survives_a_restart_and_the_restart_raises_none(town, evaluator):
    town.meter("M-1")
    town.meter("M-2")
    town.heard("M-1")
    evaluator.sweep(NOW)
    evaluator.sweep(NOW + 3 * MINUTE)
    town.heard("M-2", NOW + 4 * MINUTE)
    restarted = Evaluator()
    restarted.sweep(NOW + 3_600_000)
    assert list(Alarm.objects.filter(cleared_at=None).values_list("asset__uid", flat=True)) == ["M-1"]


@pytest.mark.django_db
def test_at_sixty_times_real_time_a_hiccup_of_the_line_is_no_silence(town, simulation):
    town.meter()
    town.heard("M-1")
    clock.adopt(Anchor(NOW, wall_ms(), 60.0, 60.0, simulated=True))
    evaluator = Evaluator(grace_s=0)
    evaluator.sweep(NOW)
    evaluator.sweep(NOW + 4 * MINUTE)
    assert not Alarm.objects.exists()
    evaluator.sweep(NOW + 6 * MINUTE)
    assert Alarm.objects.count() == 1


@pytest.mark.django_db
def test_silence_is_one_step_below_the_worst_alarm_it_hides(town, declare):
    from smartcity.alarms.rules import lost_severity

    declare(rule(severity=Severity.CRITICAL), rule(name="energy.other", severity=Severity.LOW))
    assert lost_severity("meter", "energy") == Severity.HIGH
    assert lost_severity("pump", "energy") == Severity.LOW
    assert lost_severity("meter", "energy", many=True) == Severity.HIGH
    assert lost_severity("pump", "energy", many=True) == Severity.MEDIUM
