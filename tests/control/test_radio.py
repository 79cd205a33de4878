# SPDX-License-Identifier: Apache-2.0
"""Devices that hear only now and then, over a network that has words of its own and not enough airtime."""

from __future__ import annotations

import pytest

from smartcity.control import answering, shapes
from smartcity.control.dispatch import Patience
from smartcity.control.models import Command, FastEvent, Transition
from smartcity.kernel.control import Expectation, State
from tests.control.conftest import NOW, answer, dim, later
from tests.control.line import done

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]
POWER = Expectation("lighting.power_w", 20, 30, 120)
SLEEPS = "at next uplink, by 04:10"
NO_AIRTIME = "gateway 0016c001f153a14c has no airtime left in 868–868.6 MHz: 18.0 of 18.0 s used within the hour"


@pytest.fixture
def patience():
    return Patience(sweep_s=0.0, first_retry_s=0.0, away_s=0.0)


def only():
    return Command.objects.select_related("asset", "zone").get()


def test_a_command_to_a_sleeper_says_when_it_will_be_there(street, wire, tick):
    for uid in ("L-1", "L-2"):
        street.lamp(uid)
    wire.there.add("L-2")
    wire.outlooks["L-1"] = SLEEPS
    street.wants(dim("L-1"), dim("L-2"))
    tick()
    words = {row.asset.uid: shapes.command(row)["word"] for row in Command.objects.select_related("asset") if row.asset}
    assert words == {"L-1": f"sent, {SLEEPS}", "L-2": "sent"}
    assert shapes.live_command(Command.objects.get(device__uid="L-1"))["word"] == f"sent, {SLEEPS}"
    assert {row.sent_at is not None for row in Command.objects.all()} == {True}
    step = Transition.objects.get(command__device__uid="L-1", state=State.SENT)
    assert step.note == SLEEPS


def test_a_command_the_line_refuses_ends_with_the_reason(street, wire, tick):
    street.lamp()
    wire.refusals["L-1"] = NO_AIRTIME
    street.wants(dim())
    tick()
    assert (only().state, only().state_note, wire.sent) == (State.REFUSED, NO_AIRTIME, [])
    assert only().ended_at is not None


def test_a_repetition_the_line_refuses_waits_for_another_time(street, wire, tick):
    street.lamp()
    street.wants(dim())
    tick()
    wire.refusals["L-1"] = NO_AIRTIME
    tick()
    assert only().state == State.SENT
    wire.refusals.clear()
    tick()
    assert len(wire.sent) == 2


def test_the_network_says_how_far_it_is_and_the_command_stays_where_it_is(street, tick):
    street.lamp()
    (command,) = street.wants(dim(expect=POWER))
    tick()
    said = "transmitted by gateway g at 04:08"
    tick(answer(command.pk, "transmitted", reason=said))
    tick(answer(command.pk, "transmitted", reason=said))
    assert (only().state, only().state_note) == (State.SENT, said)
    assert shapes.live_command(only())["word"] == f"sent, {said}"
    notes = Transition.objects.filter(command=command).order_by("pk").values_list("state", "note")
    assert list(notes) == [(State.QUEUED, ""), (State.SENT, ""), (State.SENT, said)]


def test_what_nobody_confirms_counts_as_carried_out_only_where_it_can_be_measured(street, wire, tick, at):
    for uid in ("L-1", "L-2"):
        street.lamp(uid)
    wire.there.add("L-2")
    proven, promised_nothing = street.wants(dim("L-1", expect=POWER), dim("L-2"))
    tick()
    for command in (proven, promised_nothing):
        tick(answer(command.pk, "unconfirmed", device=command.device.uid, reason="transmitted"))
    states = dict(Command.objects.values_list("device__uid", "state"))
    assert states == {"L-1": State.APPLIED, "L-2": State.SENT}
    at(later(30))
    street.measures("L-1", 25.0, later(20))
    tick()
    assert Command.objects.get(pk=proven.pk).state == State.VERIFIED
    at(later(601))
    tick()
    assert Command.objects.get(pk=promised_nothing.pk).state == State.EXPIRED


def test_the_networks_word_about_a_strangers_or_an_ended_command_is_nothing(street, tick):
    street.lamp()
    (command,) = street.wants(dim())
    tick()
    assert answering.take([answer(command.pk, "transmitted", device="L-2", reason="x")], NOW) == 0
    tick(answer(command.pk))
    assert answering.take([answer(command.pk, "transmitted", reason="x")], NOW) == 0
    assert only().state_note == ""


def test_a_fast_request_the_line_refuses_is_logged_as_refused(street, wire, declare, inline, leader):
    from dataclasses import replace

    from smartcity.control.fast import FastDesk
    from smartcity.kernel.clock import clock

    street.lamp()
    street.loop = replace(street.loop, fast=True, every_s=1)
    declare(loops=(street.loop,))
    epoch = done(leader.attempt())
    desk = FastDesk(street.loop, wire, leader, clock)
    wire.refusals["L-1"] = NO_AIRTIME
    desk.send(desk.prepare([dim(expires_in_s=60)], NOW, epoch))
    desk.prepare([], NOW + 1000, epoch)
    desk.prepare([], NOW + 2000, epoch)
    assert set(FastEvent.objects.values_list("outcome", "note")) >= {("refused", NO_AIRTIME)}
