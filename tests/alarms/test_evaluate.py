# SPDX-License-Identifier: Apache-2.0
"""The tick over the tables: what is raised, kept, cleared and told."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from smartcity.alarms import standing
from smartcity.alarms.evaluate import Evaluator
from smartcity.alarms.models import Alarm
from smartcity.devices.models import Device
from smartcity.kernel.alarms import Severity
from tests.alarms.conftest import MINUTE, NOW, rule

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


def active(**more):
    return list(Alarm.objects.filter(cleared_at=None, **more).order_by("pk"))


def test_a_bad_value_raises_one_alarm_with_value_unit_and_series(town, evaluator):
    town.meter(limit=50)
    town.measures("M-1", 120)
    (item,) = evaluator.sweep(NOW)
    (row,) = active()
    assert (row.text, row.value, row.unit, row.severity) == ("Meter M-1: 120 kW", 120, "kW", Severity.HIGH)
    assert (item["asset"], item["zone"], item["gone"], item["acknowledged"]) == ("M-1", "centre", False, False)
    assert item["series"] in town.latest
    assert (item["cause"], item["call"], item["lon"]) == ("too much", "Grid desk, 09 310 1234", 24.94)


def test_a_standing_alarm_is_not_raised_or_told_again(town, evaluator):
    town.meter()
    town.measures("M-1", 120)
    evaluator.sweep(NOW)
    town.measures("M-1", 130, NOW + 1000)
    assert evaluator.sweep(NOW + 1000) == []
    assert len(active()) == 1


def test_between_the_thresholds_it_stands_and_below_it_clears(town, evaluator):
    town.meter()
    town.measures("M-1", 120)
    evaluator.sweep(NOW)
    town.measures("M-1", 95, NOW + 1000)
    evaluator.sweep(NOW + 1000)
    assert len(active()) == 1
    town.measures("M-1", 80, NOW + 2000)
    (item,) = evaluator.sweep(NOW + 2000)
    assert item["gone"] and item["cleared_at"] == NOW + 2000
    assert active() == []


def test_an_unusable_reading_neither_raises_nor_clears(town, evaluator):
    town.meter()
    town.measures("M-1", 120, quality=10)
    evaluator.sweep(NOW)
    assert active() == []
    town.measures("M-1", 120, NOW + 1000)
    evaluator.sweep(NOW + 1000)
    town.measures("M-1", 10, NOW + 2000, quality=12)
    evaluator.sweep(NOW + 2000)
    assert len(active()) == 1


def test_the_database_refuses_a_second_active_alarm_of_one_condition(town, evaluator):
    asset = town.meter()
    town.measures("M-1", 120)
    evaluator.sweep(NOW)
    row = active()[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        Alarm.objects.create(
            rule=row.rule, asset=asset, zone=town.zone, domain="energy", severity=2, text="x", raised_at=row.raised_at
        )


def test_two_evaluators_at_once_make_one_alarm_and_only_one_says_it_made_it(town):
    town.meter()
    town.measures("M-1", 120)
    first, second = Evaluator(grace_s=0), Evaluator(grace_s=0)
    first.sweep(NOW)
    wanted = standing.Raise(
        rule=rule(), severity=Severity.HIGH, asset=first._roster.known[active()[0].asset_id], value=1, unit="kW"
    )
    assert standing.raise_all([wanted], NOW + 1, simulated=True) == []
    second.sweep(NOW + 2)
    assert len(active()) == 1


def test_after_a_restart_the_alarm_stands_and_is_told_once_more(town, evaluator):
    town.meter()
    town.measures("M-1", 120)
    evaluator.sweep(NOW)
    (item,) = Evaluator(grace_s=0).sweep(NOW + 10 * MINUTE)
    assert item["asset"] == "M-1" and not item["gone"]


def test_a_restart_does_not_begin_a_running_delay_anew(town, declare):
    declare(rule(on_delay_s=600))
    town.meter()
    for minute in range(9):
        town.measures("M-1", 120, NOW + minute * MINUTE)
    Evaluator(grace_s=0).sweep(NOW + 8 * MINUTE)
    restarted = Evaluator(grace_s=0)
    restarted.sweep(NOW + 9 * MINUTE)
    assert active() == []
    town.measures("M-1", 120, NOW + 10 * MINUTE)
    restarted.sweep(NOW + 10 * MINUTE)
    assert len(active()) == 1


def test_what_came_before_an_interruption_does_not_count(town, declare):
    declare(rule(on_delay_s=600))
    town.meter()
    for minute in range(10):
        town.measures("M-1", 50 if minute == 5 else 120, NOW + minute * MINUTE)
    evaluator = Evaluator(grace_s=0)
    evaluator.sweep(NOW + 10 * MINUTE)
    assert active() == []


def test_a_condition_that_comes_back_within_the_hour_counts_its_occurrences(town, evaluator):
    town.meter()
    for n, value in enumerate((120, 10, 120, 10, 120)):
        town.measures("M-1", value, NOW + n * MINUTE)
        evaluator.sweep(NOW + n * MINUTE)
    assert active()[0].occurrences == 3
    assert Alarm.objects.count() == 3


def test_an_estimated_or_simulated_asset_alarms_in_simulation_only(town, evaluator, request):
    town.meter("M-1", estimated=True)
    town.meter("M-2", simulated=True)
    town.meter("M-3")
    for uid in ("M-1", "M-2", "M-3"):
        town.measures(uid, 120)
    evaluator.sweep(NOW)
    assert [(row.asset.uid, row.simulated) for row in active()] == [("M-1", True), ("M-2", True), ("M-3", True)]
    request.getfixturevalue("live")
    evaluator.sweep(NOW + 1)
    assert [row.asset.uid for row in active()] == ["M-3"]


def test_an_alarm_ends_when_its_device_is_retired(town, evaluator):
    town.meter()
    town.measures("M-1", 120)
    evaluator.sweep(NOW)
    Device.objects.update(retired_at="2027-01-01T00:00Z")
    evaluator.reload()
    (item,) = evaluator.sweep(NOW + 1)
    assert item["gone"]


def test_changed_limits_hold_from_the_next_reading_of_the_roster(town, evaluator):
    asset = town.meter(limit=200)
    town.measures("M-1", 120)
    evaluator.sweep(NOW)
    assert active() == []
    asset.engineering.update(data={"limit": 100})
    evaluator.reload()
    evaluator.sweep(NOW + 1)
    assert len(active()) == 1


def test_a_tick_costs_the_same_few_queries_for_one_asset_and_for_forty(town, evaluator, django_assert_max_num_queries):
    town.meters(40)
    for n in range(1, 41):
        town.measures(f"M-{n}", 10)
    evaluator.sweep(NOW)
    with django_assert_max_num_queries(6):
        evaluator.sweep(NOW + 1000)


def test_a_domain_with_a_broken_template_still_raises(town, evaluator, declare):
    declare(rule(text="{nonsense}"))
    town.meter()
    town.measures("M-1", 120)
    evaluator.sweep(NOW)
    assert active()[0].text == "Meter M-1: energy.overload"


async def test_the_tick_hands_changes_to_its_callback_on_the_loop_thread(monkeypatch):
    heard: list[Any] = []
    evaluator = Evaluator(on_change=heard.append)
    monkeypatch.setattr(evaluator, "sweep", lambda now_ms: [{"id": 1}] if now_ms == 5 else [])
    await evaluator.tick(5)
    await evaluator.tick(6)
    await evaluator.close()
    assert heard == [[{"id": 1}]]
