# SPDX-License-Identifier: Apache-2.0
"""Incidents as alarms: raised from stored readings, once, with their evidence, and ended when traffic passes again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smartcity import declared
from smartcity.alarms.evaluate import Evaluator
from smartcity.alarms.models import Alarm
from smartcity.alarms.rules import explain
from smartcity.kernel.alarms import Watched
from tests.traffic import test_junctions_api as shared
from tests.traffic.test_junctions_api import MINUTE, crossing, say
from traffic import watching
from traffic.incidents import BLOCKED

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases="__all__")]
now = shared.now
FREE = {"flow": 600, "occupancy": 20, "queue": 3}
STUCK = {"flow": 150, "occupancy": 95, "queue": 14}


@pytest.fixture
def evaluator(now):
    watching.WATCHER.forget()
    yield Evaluator(grace_s=10**6)
    watching.WATCHER.forget()


def live(evaluator, start, minutes, **values):
    for minute in range(minutes):
        at = start + minute * MINUTE
        say("A-1", at, **values)
        evaluator.sweep(at)
    return start + minutes * MINUTE


def standing():
    return list(Alarm.objects.filter(rule=BLOCKED, cleared_at=None))


def test_an_incident_is_raised_once_with_its_evidence_and_ends_when_traffic_passes(now, evaluator):
    crossing()
    at = live(evaluator, now, 15, **FREE)
    assert standing() == []
    at = live(evaluator, at, 6, **STUCK)
    [alarm] = standing()
    assert alarm.asset.uid == "A-1" and alarm.severity == 2
    assert alarm.text.startswith("Main from 1: 150 veh/h pass where 600 are expected; it is ")
    assert (rule := explain(BLOCKED)) is not None and rule.respond_within_s == 600
    at = live(evaluator, at, 4, **FREE)
    assert standing() == [] and Alarm.objects.filter(rule=BLOCKED).count() == 1


def test_what_stands_outlives_a_restart(now, evaluator):
    crossing()
    at = live(evaluator, live(evaluator, now, 15, **FREE), 6, **STUCK)
    watching.WATCHER.forget()
    at = live(Evaluator(grace_s=10**6), at, 3, **STUCK)
    assert len(standing()) == 1 and Alarm.objects.filter(rule=BLOCKED).count() == 1


def test_a_domain_that_fails_to_judge_neither_ends_its_alarms_nor_stops_others(now, evaluator, monkeypatch, caplog):
    crossing()
    at = live(evaluator, live(evaluator, now, 15, **FREE), 6, **STUCK)

    def fails(now_ms, standing):
        raise RuntimeError("broken")

    monkeypatch.setattr(declared, "watched", lambda: (Watched(watching.INCIDENT, fails),))
    say("K-1", at, status=2)
    evaluator.reload()
    evaluator.sweep(at)
    say("K-1", at + MINUTE, status=2)
    evaluator.sweep(at + MINUTE)
    assert len(standing()) == 1 and Alarm.objects.filter(rule="traffic.flashing").exists()
    assert "could not be judged" in caplog.text


def test_the_rule_says_what_to_do():
    for one in watching.WATCHED:
        assert one.rule.cause and one.rule.consequence and one.rule.response and one.rule.call
        assert replace(one.rule, name="x").respond_within_s > 0


def test_a_look_costs_few_queries_however_many_approaches(now, evaluator, django_assert_max_num_queries):
    for number in range(1, 4):
        crossing(f"K-{number}")
    say("A-1", now, **FREE)
    watcher = watching.Watcher()
    with django_assert_max_num_queries(4):
        watcher.judge(BLOCKED, now, frozenset())
