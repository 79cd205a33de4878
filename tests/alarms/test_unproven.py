# SPDX-License-Identifier: Apache-2.0
"""Commands whose effect was not measured: one alarm an asset, one alarm of the zone when they are many."""

from __future__ import annotations

import pytest

from smartcity.alarms.evaluate import Evaluator
from smartcity.alarms.models import Alarm, Notice, PushSubscription
from smartcity.alarms.wording import of
from smartcity.devices.models import Device, Zone
from smartcity.kernel.alarms import Finding, Severity
from tests.alarms.conftest import MINUTE, NOW, may, rule
from tests.alarms.test_silence import lamps

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]

WORDS = "Dimming level 50 %: Power 0.4, 20 to 30 expected. Why it was asked: nobody there"


@pytest.fixture
def found():
    """Assets on which a command has failed; the tests fill and empty it."""
    return {}


@pytest.fixture
def evaluator(town, found):
    return Evaluator(grace_s=0, unproven=lambda now_ms, is_simulation: list(found.values()))


def fails(found, *assets, text=WORDS, value=0.4):
    found.update({pk: Finding(asset=pk, text=text, value=value, unit="W") for pk in assets})


def standing():
    return list(Alarm.objects.filter(cleared_at=None).order_by("pk"))


def test_the_alarm_says_what_was_asked_expected_and_measured_and_why(town, evaluator, found):
    asset = town.meter()
    fails(found, asset.pk)
    (item,) = evaluator.sweep(NOW)
    (row,) = standing()
    assert (row.rule, row.asset, row.text) == ("command.unproven", asset, f"Meter M-1: {WORDS}")
    assert (row.value, row.unit, row.severity) == (0.4, "W", Severity.MEDIUM)  # a step below the worst of its kind
    assert "local programme" in item["consequence"] and item["respond_within_s"] == 8 * 3600


def test_it_stands_once_and_ends_when_it_is_no_longer_found(town, evaluator, found):
    asset = town.meter()
    fails(found, asset.pk)
    evaluator.sweep(NOW)
    assert evaluator.sweep(NOW + MINUTE) == [] and len(standing()) == 1
    found.clear()
    (item,) = evaluator.sweep(NOW + 2 * MINUTE)
    assert item["gone"] and not standing()
    fails(found, asset.pk)
    evaluator.sweep(NOW + 3 * MINUTE)
    assert standing()[0].occurrences == 2


def test_what_was_not_measured_at_all_has_no_value(town, evaluator, found):
    fails(found, town.meter().pk, value=None)
    evaluator.sweep(NOW)
    assert standing()[0].value is None


def test_an_asset_that_has_no_alarms_now_has_none_of_these(town, evaluator, found, live):
    fails(found, town.meter(simulated=True).pk, 987654)
    evaluator.sweep(NOW)
    assert not standing()


def test_it_ends_when_its_asset_is_taken_away(town, evaluator, found):
    asset = town.meter()
    fails(found, asset.pk)
    evaluator.sweep(NOW)
    type(asset).objects.update(missing_since="2027-01-01T00:00Z")
    evaluator.reload()
    evaluator.sweep(NOW + 1)
    assert not standing()


def test_a_push_carries_number_and_sentence_but_not_the_place(town, evaluator, found, people):
    PushSubscription.objects.create(
        user=may(people.anna, "view"), endpoint="https://push.invalid/1", p256dh="k", auth="a", worst_only=Severity.LOW
    )
    fails(found, town.meter().pk)
    evaluator.sweep(NOW)
    alarm = Notice.objects.get().alarm
    assert alarm is not None
    assert of(alarm).body == f"Alarm {alarm.pk}: the effect of a command was not measured"


def test_five_hundred_failing_commands_are_one_alarm_and_one_message(town, evaluator, found, people):
    PushSubscription.objects.create(
        user=may(people.anna, "view"), endpoint="https://push.invalid/1", p256dh="k", auth="a", worst_only=Severity.LOW
    )
    devices = lamps(town.zone, 500)
    assets = list(Device.objects.filter(pk__in=devices).values_list("asset", flat=True))
    told = []
    for n in range(0, 500, 100):  # the windows of some end a little later than those of others
        fails(found, *assets[n : n + 100])
        told += evaluator.sweep(NOW + n * 1000)
    (row,) = standing()
    assert (row.rule, row.asset, len(row.members), row.severity) == ("zone.unproven", None, 500, Severity.HIGH)
    assert row.text == "Centre: 500 devices of Energy did not show what they were told to do"
    assert {item["id"] for item in told} == {row.pk} and Notice.objects.count() == 1
    for pk in assets[2:]:
        del found[pk]
    evaluator.sweep(NOW + 20 * MINUTE)
    assert [row.rule for row in standing()] == ["command.unproven"] * 2


def test_each_zone_has_its_own_and_silence_stays_apart(town, evaluator, found):
    harbour = Zone.objects.create(code="harbour", name="Harbour")
    here, there = lamps(town.zone, 6), lamps(harbour, 3)
    fails(found, *Device.objects.filter(pk__in=here + there).values_list("asset", flat=True))
    for pk in here:
        town.seen[pk] = NOW
    evaluator.sweep(NOW)
    evaluator.sweep(NOW + 3 * MINUTE)
    rows = sorted(Alarm.objects.filter(cleared_at=None).values_list("rule", "zone__code"))
    assert rows == [("command.unproven", "harbour")] * 3 + [("zone.silent", "centre"), ("zone.unproven", "centre")]


def test_a_lamp_is_no_worse_than_its_own_worst_alarm(town, evaluator, found, declare):
    declare(rule(severity=Severity.LOW))
    fails(found, town.meter().pk)
    evaluator.sweep(NOW)
    assert standing()[0].severity == Severity.LOW
