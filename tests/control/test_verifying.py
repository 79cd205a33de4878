# SPDX-License-Identifier: Apache-2.0
"""The verdict on a command: what was measured in time, what was not, and what counts as no proof."""

from __future__ import annotations

import pytest

from smartcity.control import verifying
from smartcity.control.models import Command
from smartcity.kernel.clock import Anchor, clock, wall_ms
from smartcity.kernel.control import Priority, State
from tests.control.conftest import NOW, answer, dim, later
from tests.control.line import POWER, done, only

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


def test_an_effect_that_is_not_measured_fails_and_the_device_is_told_to_go_local(street, wire, tick, at):
    street.lamp()
    (command,) = street.wants(dim(expect=POWER))
    tick()
    tick(answer(command.pk))
    street.measures("L-1", 0.4, later(100))
    at(later(121))
    tick()
    failed = Command.objects.get(pk=command.pk)
    assert (failed.state, failed.measured) == (State.FAILED, 0.4)
    assert "0.4, 20 to 30 expected" in failed.state_note
    assert wire.told()[-1] == ("lease", "local")
    tick(answer(wire.ids()[-1]))
    failed.refresh_from_db()
    assert failed.state == State.ROLLED_BACK
    assert street.wants(dim(expect=POWER), now_ms=later(122)) == []  # not again at once


def test_the_verdict_waits_for_what_was_measured_in_time_and_is_still_on_the_road(street, tick, at):
    street.lamp()
    (command,) = street.wants(dim(expect=POWER))
    tick()
    tick(answer(command.pk))
    assert verifying.verify(later(125), is_simulation=True, road_ms=10_000) == 0
    street.measures("L-1", 25.0, later(119))
    verifying.verify(later(126), is_simulation=True, road_ms=10_000)
    assert only().state == State.VERIFIED


def test_how_long_a_reading_is_on_the_road_grows_with_the_speed_of_the_city(street, dispatcher, leader, monkeypatch):
    waited = []

    def verify(now_ms, *, is_simulation, road_ms):
        waited.append(road_ms)

    monkeypatch.setattr(verifying, "verify", verify)
    done(leader.attempt())
    for speed in (1.0, 60.0):
        clock.adopt(Anchor(NOW, wall_ms(), speed, speed, simulated=True))
        done(dispatcher.tick())
    assert waited == [2_000, 120_000]


def test_an_operators_failed_command_is_left_to_the_operator(street, wire, tick, at, people):
    street.lamp()
    (command,) = street.wants(dim(expect=POWER))
    Command.objects.update(priority=Priority.OVERRIDE)
    tick()
    tick(answer(command.pk))
    at(later(121))
    tick()
    assert only().state == State.FAILED
    assert "was not measured in time" in only().state_note


def test_an_old_reading_proves_nothing(street, tick, at):
    street.lamp()
    street.measures("L-1", 25.0, NOW - 60_000)
    (command,) = street.wants(dim(expect=POWER))
    tick()
    tick(answer(command.pk))
    assert only().state == State.APPLIED


def test_a_suspect_reading_proves_nothing(street, tick, at):
    street.lamp()
    (command,) = street.wants(dim(expect=POWER))
    tick()
    tick(answer(command.pk))
    street.measures("L-1", 25.0, later(10), quality=12)
    at(later(20))
    tick()
    assert only().state == State.APPLIED
