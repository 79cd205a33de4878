# SPDX-License-Identifier: Apache-2.0
"""When a device's clock is off: after how long it is an alarm, and how that is said."""

from __future__ import annotations

import pytest

from smartcity.alarms.evaluate import Evaluator
from smartcity.alarms.models import Alarm
from smartcity.alarms.skew import ON_DELAY_MS
from smartcity.devices.models import Device
from tests.alarms.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def off():
    """pk → seconds ahead, as the road tells it."""
    return {}


@pytest.fixture
def evaluator(town, off):
    return Evaluator(grace_s=0, clocks=lambda speed: dict(off))


def pk(uid):
    return Device.objects.get(uid=uid).pk


def standing():
    return list(Alarm.objects.filter(cleared_at=None).order_by("text").values_list("rule", "text"))


def sweeps(evaluator, *after):
    for ms in after:
        evaluator.sweep(NOW + ms)


def test_a_clock_that_is_off_for_a_quarter_of_an_hour_is_an_alarm_until_it_is_right(town, evaluator, off):
    town.meter()
    off[pk("M-1")] = 420.0
    sweeps(evaluator, 0, ON_DELAY_MS - 1)
    assert standing() == []
    sweeps(evaluator, ON_DELAY_MS)
    assert standing() == [("device.clock", "Meter M-1: its clock is 7 min ahead")]
    off.clear()
    sweeps(evaluator, ON_DELAY_MS + 1000)
    assert standing() == []


def test_a_hiccup_begins_the_delay_anew(town, evaluator, off):
    town.meter()
    off[pk("M-1")] = 420.0
    sweeps(evaluator, 0)
    was = off.popitem()
    sweeps(evaluator, ON_DELAY_MS - 1)
    off.update([was])
    sweeps(evaluator, ON_DELAY_MS, 2 * ON_DELAY_MS - 1)
    assert standing() == []


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [(-1800.0, "30 min behind"), (119.0, "119 s ahead"), (9000.0, "2 h ahead"), (-8.4e8, "9722 days behind")],
)
def test_how_far_is_said_as_people_say_it(town, evaluator, off, ahead_s, words):
    town.meter()
    off[pk("M-1")] = ahead_s
    sweeps(evaluator, 0, ON_DELAY_MS)
    assert standing() == [("device.clock", f"Meter M-1: its clock is {words}")]


def test_many_at_once_are_one_alarm_of_their_zone(town, evaluator, off):
    town.meters(6)
    off.update({pk(f"M-{n}"): 300.0 for n in range(1, 7)})
    sweeps(evaluator, 0, ON_DELAY_MS)
    assert standing() == [("zone.clocks", "Centre: the clocks of 6 devices of Energy are off")]


def test_a_restart_ends_no_alarm_before_it_can_know(town, evaluator, off):
    town.meter()
    off[pk("M-1")] = 420.0
    sweeps(evaluator, 0, ON_DELAY_MS)
    again = Evaluator(grace_s=0, clocks=lambda speed: dict(off))
    sweeps(again, ON_DELAY_MS + 1000, 2 * ON_DELAY_MS)
    assert len(standing()) == 1
    off.clear()
    sweeps(again, 2 * ON_DELAY_MS + 2000)
    assert standing() == []
    assert Alarm.objects.count() == 1
