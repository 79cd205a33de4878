# SPDX-License-Identifier: Apache-2.0
"""What the alarms hear of commands whose effect was not measured."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smartcity.alarms.evaluate import Evaluator
from smartcity.alarms.models import Alarm
from smartcity.control import verifying
from smartcity.control.instants import instant
from smartcity.control.models import Command
from smartcity.control.unproven import NEWS_FOR, Unproven
from smartcity.kernel.control import Expectation, State
from smartcity.telemetry import read
from tests.control.conftest import dim, later

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]

POWER = Expectation("lighting.power_w", 20, 30, 120)


def look(unproven=None, seconds=0.0):
    return (unproven or Unproven()).look(later(seconds), True)


def carried_out(street, *wishes, seconds=0.0):
    """Commands their devices have confirmed at once."""
    made = street.wants(*wishes, now_ms=later(seconds))
    at = instant(later(seconds))
    Command.objects.filter(pk__in=[c.pk for c in made]).update(state=State.APPLIED, sent_at=at, applied_at=at)
    return made


def judged(seconds):
    return verifying.verify(later(seconds), is_simulation=True)


def failed(street, *wishes, seconds=0.0):
    made = carried_out(street, *wishes or (dim(expect=POWER),), seconds=seconds)
    judged(seconds + 121)
    return made


def test_nothing_failed_is_two_queries(street, django_assert_num_queries):
    street.lamp()
    carried_out(street, dim(expect=POWER))
    with django_assert_num_queries(2):
        assert look() == []


def test_a_finding_says_what_was_asked_expected_measured_and_why(street):
    asset = street.lamp()
    street.measures("L-1", 0.4, later(100))
    failed(street)
    (found,) = look(seconds=121)
    assert (found.asset, found.value) == (asset.pk, 0.4)
    assert found.text.startswith("Dimming level 50 %: ") and "0.4, 20 to 30 expected" in found.text
    assert found.text.endswith("Why it was asked: nobody there")


def test_what_was_never_measured_is_said_so(street):
    street.lamp()
    failed(street)
    (found,) = look(seconds=121)
    assert found.value is None and "was not measured in time, 20 to 30 expected" in found.text


def test_taken_back_it_is_still_news(street):
    street.lamp()
    (command,) = failed(street)
    Command.objects.filter(pk=command.pk).update(state=State.ROLLED_BACK, state_note="the device is back")
    assert len(look(seconds=130)) == 1


def test_a_later_command_that_is_proven_ends_it_and_an_earlier_one_does_not(street):
    street.lamp()
    failed(street)
    carried_out(street, dim(value=60.0, expect=POWER), seconds=200)
    assert len(look(seconds=200)) == 1  # on its way: nothing is known yet
    street.measures("L-1", 25.0, later(220))
    judged(230)
    assert look(seconds=230) == []
    Command.objects.filter(state=State.VERIFIED).update(created_at=instant(later(-60)))
    assert len(look(seconds=230)) == 1


def test_proof_on_one_point_says_nothing_of_another(street):
    street.lamp()
    failed(street)
    street.measures("L-1", 25.0, later(220))
    carried_out(street, dim(value=60.0, expect=POWER), seconds=200)
    Command.objects.filter(value=60.0).update(point="tilt")
    judged(230)
    assert len(look(seconds=230)) == 1


def test_one_finding_for_many_failures_of_one_asset_and_it_is_the_newest(street):
    street.lamp()
    failed(street)
    failed(street, dim(value=60.0, expect=POWER), seconds=400)
    (found,) = look(seconds=600)
    assert found.text.startswith("Dimming level 60 %")


def test_it_grows_old_when_nobody_tries_again(street):
    street.lamp()
    failed(street)
    seconds = 121 + NEWS_FOR / timedelta(seconds=1)
    assert len(look(seconds=seconds - 1)) == 1
    assert look(seconds=seconds + 1) == []


def test_the_other_world_is_not_heard_of(street):
    street.lamp()
    failed(street)
    assert Unproven().look(later(121), False) == []


def test_a_finding_is_read_once(street, django_assert_num_queries):
    street.lamp()
    failed(street)
    unproven = Unproven()
    look(unproven, 121)
    with django_assert_num_queries(3):
        assert len(look(unproven, 122)) == 1


def test_a_long_value_and_the_asset_that_shows_the_effect(street):
    street.lamp()
    wish = dim(expect=Expectation("lighting.power_w", 20, 30, 120, asset="C-7"))
    failed(street, wish)
    Command.objects.filter(asset__uid="L-1", state=State.FAILED).update(value="C-1:40 C-2:70 " * 9)
    (found,) = look(seconds=121)
    assert found.text.startswith("Dimming level: ") and " of C-7 was not measured in time" in found.text


def replaced(street, *seconds, level=30.0):
    """The loop asks for another level before it knows what became of the last one."""
    for number, at in enumerate(seconds):
        carried_out(street, dim(value=level + number, expect=POWER), seconds=at)


def test_what_is_replaced_again_and_again_before_a_verdict_is_found_too(street):
    street.lamp()
    replaced(street, 0, 40, 80)
    assert look(seconds=81) == []  # twice replaced, and a proof is not yet due
    replaced(street, 119, level=60.0)
    assert look(seconds=119) == []  # three times, but for less than the effect may take
    replaced(street, 150, level=70.0)
    (found,) = look(seconds=150)
    assert found.text == (
        "Dimming level 60 %: replaced time and again before the effect was measured. Why it was asked: nobody there"
    )
    street.measures("L-1", 25.0, later(160))
    judged(161)
    assert look(seconds=161) == []


def test_what_is_proven_in_between_or_replaced_by_somebody_else_is_no_trouble(street, people):
    street.lamp()
    for at in (0, 60, 120, 180, 240):
        replaced(street, at, level=30.0 + at / 10)
        street.measures("L-1", 25.0, later(at + 20))
        judged(at + 21)
    assert look(seconds=300) == []
    street.lamp("L-2")
    for number, at in enumerate((400, 500, 600, 700)):
        carried_out(street, dim("L-2", 30.0 + number, expect=POWER), seconds=at)
    Command.objects.filter(asset__uid="L-2").update(state_note="replaced by anna")
    assert look(seconds=700) == []


def test_five_hundred_lamps_that_do_not_follow_are_one_calm_alarm(street, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(read, "last_seen", lambda ids: {})
    for number in range(500):
        street.lamp(f"L-{number}")
    evaluator = Evaluator(grace_s=0, unproven=Unproven().look)
    failed(street, *(dim(f"L-{number}", expect=POWER) for number in range(500)))
    told = evaluator.sweep(later(121))
    (row,) = Alarm.objects.filter(cleared_at=None)
    assert (row.rule, len(row.members), len(told)) == ("zone.unproven", 500, 1)
    with django_assert_max_num_queries(8):
        assert evaluator.sweep(later(122)) == []
    carried_out(street, *(dim(f"L-{number}", 60.0, expect=POWER) for number in range(500)), seconds=400)
    for number in range(500):
        street.measures(f"L-{number}", 25.0, later(410))
    judged(420)
    evaluator.sweep(later(421))
    assert not Alarm.objects.filter(cleared_at=None).exists()
