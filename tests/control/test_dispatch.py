# SPDX-License-Identifier: Apache-2.0
"""A command's way: queued, sent, answered, measured; and every way it may end otherwise."""

from __future__ import annotations

from uuid import uuid4

import pytest

from smartcity.control import leases
from smartcity.control.dispatch import Dispatcher, Patience
from smartcity.control.leader import Leader
from smartcity.control.models import Command, Lease
from smartcity.kernel.control import State
from tests.control.conftest import acting, answer, dim, later
from tests.control.line import POWER, done, only, steps

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


def test_a_command_goes_from_queued_to_verified(street, wire, tick, at):
    street.lamp()
    (command,) = street.wants(dim(expect=POWER))
    tick()
    ((device, told),) = wire.sent
    assert device == "L-1"
    assert told == {
        "id": str(command.pk),
        "point": "dim",
        "value": 50.0,
        "expires_at": later(600),
        "sequence": command.sequence,
        "reason": "nobody there",
    }
    tick(answer(command.pk, "received"), answer(command.pk, "applied"))
    assert only().state == State.APPLIED
    at(later(30))
    street.measures("L-1", 25.0, later(20))
    tick()
    assert steps(command) == [State.QUEUED, State.SENT, State.RECEIVED, State.APPLIED, State.VERIFIED]
    assert (only().measured, only().state_note) == (25.0, "Power 25")


def test_without_an_expected_effect_the_devices_word_is_the_end(street, tick):
    street.lamp()
    (command,) = street.wants(dim())
    tick()
    tick(answer(command.pk))
    assert only().state == State.APPLIED and only().ended_at is not None


def test_a_device_that_is_away_gets_it_when_it_comes(street, wire, tick, dispatcher):
    street.lamp()
    wire.there.clear()
    street.wants(dim())
    tick()
    assert (wire.sent, only().state) == ([], State.QUEUED)
    wire.there.add("L-1")
    dispatcher.on_ready("L-1")
    tick()
    assert only().state == State.SENT


def test_for_a_device_that_never_comes_it_expires_and_is_never_sent(street, wire, tick, at):
    street.lamp()
    wire.there.clear()
    street.wants(dim())
    tick()
    at(later(601))
    wire.there.add("L-1")
    tick()
    assert (only().state, only().state_note) == (
        State.EXPIRED,
        "the device was not connected before its time ran out",
    )
    assert wire.sent == []


def test_a_device_that_goes_at_the_last_moment_gives_the_command_back(street, wire, tick, monkeypatch):
    street.lamp()
    monkeypatch.setattr(wire, "reaches", lambda device: True)
    wire.there.clear()
    (command,) = street.wants(dim())
    tick()
    assert only().state == State.QUEUED
    assert steps(command) == [State.QUEUED, State.SENT, State.QUEUED]


def test_an_unanswered_command_is_repeated_under_the_same_id(street, wire, tick, dispatcher):
    street.lamp()
    (command,) = street.wants(dim())
    tick()
    tick()
    assert wire.ids() == [str(command.pk)]
    dispatcher.on_ready("L-1")  # it came back and has forgotten everything
    tick()
    assert wire.ids() == [str(command.pk)] * 2
    tick(answer(command.pk, "received"), answer(command.pk, "received"))
    assert steps(command) == [State.QUEUED, State.SENT, State.RECEIVED]


def test_after_a_restart_what_is_unanswered_goes_out_again(street, wire, tick, leader, inline):
    street.lamp()
    street.wants(dim())
    tick()
    done(Dispatcher(wire, leader, inline, patience=Patience(sweep_s=0.0)).tick())
    assert len(wire.sent) == 2 and len(set(wire.ids())) == 1


def test_silence_until_the_end_expires_the_command(street, tick, at):
    street.lamp()
    street.wants(dim())
    tick()
    at(later(601))
    tick()
    assert (only().state, only().state_note) == (State.EXPIRED, "the device did not answer in time")


def test_a_refusal_by_the_device_is_kept_with_its_reason(street, tick):
    street.lamp()
    (command,) = street.wants(dim())
    tick()
    tick(answer(command.pk, "refused", reason="below the minimum held in the node"))
    assert (only().state, only().state_note) == (State.REFUSED, "below the minimum held in the node")


def test_another_device_cannot_answer_for_it(street, tick):
    street.lamp()
    (command,) = street.wants(dim())
    tick()
    tick(answer(command.pk, device="L-2"), answer("rubbish"), answer(uuid4()), answer(command.pk, "done!"))
    assert only().state == State.SENT


def test_a_paused_leader_cannot_send(street, wire, tick, leader):
    street.lamp()
    street.wants(dim())
    done(leader.attempt())
    Lease.objects.update(expires=street.before)
    assert leases.acquire(leases.CONTROL, "another", 60) is not None
    with pytest.raises(leases.LostLeadership):
        tick()
    assert (wire.sent, only().state) == ([], State.QUEUED)


def test_a_leader_that_slept_past_its_lease_knows_by_its_own_clock(inline, street):
    now = [100.0]
    leader = Leader(inline, ttl_s=10, clock=lambda: now[0])
    assert done(leader.attempt()) == 1
    now[0] += 10.1
    assert leader.epoch is None


def test_a_successor_has_a_higher_epoch(inline, street):
    first, second = Leader(inline, ttl_s=60), Leader(inline, ttl_s=60)
    assert done(first.attempt()) == 1
    assert done(second.attempt()) is None
    running = first.run()
    with pytest.raises(RuntimeError, match="no running event loop"):
        running.send(None)  # it renews, cannot sleep here, and gives the lease up on its way out
    assert done(second.attempt()) == 2


def test_commands_of_another_world_are_not_sent(street, wire, tick):
    street.lamp()
    street.wants(dim())
    Command.objects.update(simulated=False)
    tick()
    assert wire.sent == []


def test_the_strongest_goes_first(street, wire, tick, people):
    for uid in ("L-1", "L-2"):
        street.lamp(uid)
        wire.there.add(uid)
    street.wants(dim("L-1"))
    street.by_hand(people.anna, dim("L-2"))
    tick()
    assert [device for device, _ in wire.sent] == ["L-2", "L-1"]


def test_two_hundred_commands_cost_no_more_queries_than_two(street, wire, tick, leader, django_assert_max_num_queries):
    for number in range(200):
        street.lamp(f"L-{number}")
        wire.there.add(f"L-{number}")
    commands = street.wants(*(dim(f"L-{number}", expect=POWER) for number in range(200)))
    done(leader.attempt())
    with django_assert_max_num_queries(20):
        tick()
    assert len(wire.sent) == 200
    with django_assert_max_num_queries(40):
        tick(*(answer(c.pk, device=c.device.uid, reason=f"as {c.device.uid} says") for c in commands))
    assert set(Command.objects.values_list("state", flat=True)) == {State.APPLIED}


def test_a_database_that_is_locked_loses_no_answer(street, tick, dispatcher, monkeypatch):
    street.lamp()
    (command,) = street.wants(dim())
    tick()
    from smartcity.control import answering

    whole = answering.take
    monkeypatch.setattr(answering, "take", lambda *_: (_ for _ in ()).throw(OSError("database is locked")))
    with pytest.raises(OSError, match="locked"):
        tick(answer(command.pk))
    monkeypatch.setattr(answering, "take", whole)
    tick()
    assert only().state == State.APPLIED


def test_an_operator_is_audited(street, people):
    from smartcity.api.models import AuditEntry

    street.lamp()
    street.by_hand(people.anna, dim())
    assert AuditEntry.objects.get().who == acting(people.anna).name
