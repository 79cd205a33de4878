# SPDX-License-Identifier: Apache-2.0
"""A loop that asks too much is held to its budget, stopped, and somebody is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smartcity.alarms.evaluate import Evaluator
from smartcity.alarms.models import Alarm
from smartcity.api.models import AuditEntry
from smartcity.control import braking, grants, leases, loops, modes
from smartcity.control.brake import Brake, budget
from smartcity.control.fast import FastDesk
from smartcity.control.instants import instant
from smartcity.control.leader import Leader
from smartcity.control.models import Command, LoopMode
from smartcity.devices.models import Asset, Zone
from smartcity.kernel.alarms import Severity
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Mode, State
from smartcity.telemetry import read
from tests.control.conftest import NOW, acting, dim, later, loop
from tests.control.line import done


@pytest.mark.parametrize(
    ("left", "wishes", "kept", "asked"), [(10, 4, 4, 10), (3, 5, 3, 12), (0, 5, 0, 15), (-2, 5, 0, 17)]
)
def test_what_is_beyond_the_budget_is_held_back_and_counted(left, wishes, kept, asked):
    brake = Brake(10, left)
    assert len(brake.keep(range(wishes))) == kept and brake.held_back == wishes - kept
    assert not brake.held_back or brake.asked == asked


def test_the_budget_grows_with_the_street_and_is_never_nothing():
    assert [budget(loop(most_per_min=1.5), assets) for assets in (0, 1, 100)] == [1, 2, 150]


@pytest.fixture
def town(street, declare, monkeypatch):
    """Ten lamps in two zones, and a loop that wishes another level for each of them a thousand times a second."""
    monkeypatch.setattr(read, "last_seen", lambda ids: {})
    harbour = Zone.objects.create(code="harbour", name="Harbour")
    for number in range(10):
        street.lamp(f"L-{number}", zone=harbour if number > 6 else None)

    def decide(now_ms, policy):
        return [dim(f"L-{n % 10}", 20.0 + (now_ms // 1000 * 100 + n) % 80) for n in range(1000)]

    street.loop = loop(every_s=1, most_per_min=2, gather=lambda now_ms: now_ms, decide=decide)
    declare(loops=(street.loop,))
    return street


def round_(town, seconds):
    epoch = leases.acquire(leases.CONTROL, "test", 60)
    assert epoch is not None
    return loops.decide_and_ask(town.loop, later(seconds), epoch)


def asked():
    return Command.objects.filter(issuer="loop:adaptive").count()


def in_force(town, seconds=0):
    zones = Zone.objects.values_list("pk", flat=True)
    return set(grants.current(town.loop, list(zones), instant(later(seconds)), is_simulation=True).values())


@pytest.mark.django_db
@pytest.mark.both_engines
def test_a_runaway_loop_asks_no_more_than_its_budget_and_is_stopped_everywhere(town):
    assert round_(town, 0) == (1000, 20)
    assert in_force(town) == {Mode.LOCAL}
    for second in range(1, 60):
        assert round_(town, second) == (1000, 0)
    assert asked() == 20
    entries = AuditEntry.objects.filter(action="mode.set").values_list("who", "reason").distinct()
    assert list(entries) == [("the brake", "it asked for 1,000 commands within a minute, its budget is 20")]


@pytest.mark.django_db
@pytest.mark.both_engines
def test_what_it_had_asked_already_is_taken_back(town):
    round_(town, 0)
    told = Command.objects.filter(point="lease", value="local", state=State.QUEUED)
    assert told.count() == Asset.objects.count() == 10
    assert not Command.objects.filter(point="dim", state=State.QUEUED).exists()


@pytest.mark.django_db
def test_the_minute_counts_not_the_round(town):
    calm = replace(
        town.loop, decide=lambda now_ms, policy: [dim(f"L-{n}", 30.0 + now_ms // 1000 % 7) for n in range(10)]
    )
    town.loop = calm
    assert [round_(town, second)[1] for second in (0, 1)] == [10, 10]
    assert in_force(town) == {Mode.AUTO}
    assert round_(town, 2)[1] == 0 and in_force(town) == {Mode.LOCAL}


@pytest.mark.django_db
def test_a_loop_within_its_budget_is_left_alone(town):
    town.loop = replace(
        town.loop, decide=lambda now_ms, policy: [dim(f"L-{n}", 30.0 + now_ms // 1000 % 60) for n in range(10)]
    )
    assert [round_(town, second)[1] for second in (0, 31, 62, 93)] == [10] * 4
    assert in_force(town) == {Mode.AUTO} and braking.stopped(NOW, True) == []


@pytest.mark.django_db
@pytest.mark.both_engines
def test_one_alarm_says_so_until_a_person_has_set_every_zone_again(town, people):
    evaluator = Evaluator(grace_s=0, stopped=braking.stopped)
    evaluator.sweep(NOW)
    round_(town, 0)
    (item,) = evaluator.sweep(later(1))
    (row,) = Alarm.objects.filter(cleared_at=None)
    assert (row.rule, row.severity, row.domain) == ("loop.braked", Severity.HIGH, "lighting")
    assert row.text == (
        "Adaptive lighting stopped: it asked for 1,000 commands within a minute, its budget is 20; Programme in 2 zones"
    )
    assert "local programmes" in item["consequence"] and evaluator.sweep(later(2)) == []

    def granted(zone):
        modes.set_mode(
            "adaptive", zone, Mode.ADVISE, by=acting(people.anna), reason="a look", now_ms=later(5), is_simulation=True
        )

    granted(row.zone)
    assert evaluator.sweep(later(6)) == []
    granted(Zone.objects.exclude(pk=row.zone_id).get())
    (item,) = evaluator.sweep(later(7))
    assert item["gone"]


@pytest.mark.django_db
@pytest.mark.both_engines
def test_a_fast_loop_is_braked_too(town, wire, inline, monkeypatch):
    wire.there = {f"L-{number}" for number in range(10)}
    leader = Leader(inline, ttl_s=60)
    done(leader.attempt())
    assert leader.epoch is not None
    town.loop = replace(town.loop, fast=True)
    desk = FastDesk(town.loop, wire, leader, clock)
    for second in range(5):
        _, sheet = loops.decide_and_prepare(desk, later(second), leader.epoch)
        desk.send(sheet)
    assert len([point for _, told in wire.sent if (point := told["point"]) == "dim"]) == 20
    assert in_force(town) == {Mode.LOCAL}
    assert set(LoopMode.objects.values_list("set_by", flat=True)) == {"the brake"}
