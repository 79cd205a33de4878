# SPDX-License-Identifier: Apache-2.0
"""An operator's hand: who holds a point, for how long, and what happens when two want it."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from smartcity.api.models import AuditEntry
from smartcity.control import expiring, overriding, releasing
from smartcity.control.models import Command, Override
from smartcity.control.refusals import Conflict, Refused
from smartcity.kernel.control import Priority, State
from tests.control.conftest import NOW, acting, dim, later

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


def place(person, value=90.0, *, asset="L-1", seconds=3600, now_ms=NOW, **more):
    return overriding.override(
        asset,
        "dim",
        value,
        owner=person,
        by=acting(person),
        reason="accident",
        until_ms=now_ms + seconds * 1000,
        now_ms=now_ms,
        **more,
    )


def test_an_override_is_a_command_with_owner_reason_end_and_promised_effect(street, people):
    street.lamp()
    held = place(people.anna)
    assert (held.owner, held.reason, held.command.priority) == (people.anna, "accident", Priority.OVERRIDE)
    assert held.command.state == State.QUEUED and held.command.expect["metric"] == "lighting.power_w"
    assert "override.place" in AuditEntry.objects.values_list("action", flat=True)


@pytest.mark.parametrize(
    ("value", "seconds", "words"),
    [
        (5.0, 3600, "class minimum"),
        (101.0, 3600, "between 0 and 100"),
        (90.0, 5 * 3600, "4 hours at most"),
        (90.0, -1, "lies in the past"),
    ],
)
def test_what_no_operator_may_do_is_refused_with_the_reason(street, people, value, seconds, words):
    street.lamp()
    with pytest.raises(Refused, match=words):
        place(people.anna, value, seconds=seconds)
    assert not Override.objects.exists()


def test_the_second_operator_hears_who_holds_it_and_until_when(street, people):
    street.lamp()
    place(people.anna)
    with pytest.raises(Conflict, match="anna holds this until") as told:
        place(people.bert, 50.0)
    assert (told.value.owner, told.value.until) == ("anna", Override.objects.get().until)
    assert list(Command.objects.values_list("state", flat=True)) == [State.QUEUED]


def test_taking_over_ends_the_others_override_and_is_audited(street, people):
    street.lamp()
    first = place(people.anna)
    second = place(people.bert, 50.0, take_over=True)
    first.refresh_from_db()
    assert (first.ended_by, first.command.state) == ("bert", State.SUPERSEDED)
    entry = AuditEntry.objects.get(action="override.take_over")
    assert (entry.who, entry.before) == ("bert", {"owner": "anna", "value": 90.0})
    assert second.ended_at is None


@pytest.mark.django_db(transaction=True)
def test_of_two_operators_at_the_same_moment_exactly_one_holds_the_lamp(street, people):
    street.lamp()
    start, outcomes = threading.Barrier(2), []

    def try_it(person):
        start.wait()
        try:
            place(person)
            outcomes.append("held")
        except Conflict:
            outcomes.append("conflict")
        finally:
            connections.close_all()

    both = [threading.Thread(target=try_it, args=(person,)) for person in (people.anna, people.bert)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(outcomes) == ["conflict", "held"]
    assert Override.objects.filter(ended_at=None).count() == 1
    assert Command.objects.filter(state=State.QUEUED).count() == 1


def test_the_same_key_gives_the_same_override(street, people):
    street.lamp()
    assert place(people.anna, key="k").pk == place(people.anna, key="k").pk
    assert Command.objects.count() == 1


def test_ones_own_override_may_be_changed(street, people):
    street.lamp()
    place(people.anna)
    place(people.anna, 60.0, now_ms=later(10))
    assert [held.value for held in Override.objects.filter(ended_at=None)] == [60.0]


def test_an_expired_override_holds_nothing_any_more(street, people):
    street.lamp()
    place(people.anna, seconds=60)
    assert street.wants(dim(), now_ms=later(59)) == []
    expiring.sweep(later(61), is_simulation=True)
    assert Override.objects.get().ended_by == "the clock"
    assert [c.state for c in street.wants(dim(), now_ms=later(62))] == [State.QUEUED]
    assert place(people.bert, now_ms=later(62)).owner == people.bert


def test_an_expired_override_is_free_even_before_the_clock_has_swept(street, people):
    street.lamp()
    place(people.anna, seconds=60)
    assert place(people.bert, now_ms=later(61)).owner == people.bert


def test_lifting_sends_the_device_to_local_and_the_loop_takes_over(street, people):
    street.lamp()
    held = place(people.anna)
    overriding.lift(held.pk, by=acting(people.anna), now_ms=later(5))
    told = Command.objects.get(point="lease")
    assert (told.value, told.state) == ("local", State.QUEUED)
    assert [c.state for c in street.wants(dim(), now_ms=later(6))] == [State.QUEUED]
    with pytest.raises(Refused, match="ended already"):
        overriding.lift(held.pk, by=acting(people.anna), now_ms=later(7))


def test_a_plain_command_does_not_push_aside_what_somebody_holds(street, people):
    street.lamp()
    place(people.anna)
    with pytest.raises(Conflict, match="anna holds"):
        overriding.ask("L-1", "dim", 50.0, by=acting(people.bert), reason="test", until_ms=later(600), now_ms=later(1))


def test_a_person_commands_only_points_that_are_declared(street, people):
    street.lamp()
    with pytest.raises(Refused, match="cannot be overridden"):
        overriding.ask(
            "L-1", "lease", "auto", by=acting(people.anna), reason="test", until_ms=later(600), now_ms=later(1)
        )


def test_a_return_to_local_that_was_never_heard_does_not_undo_a_newer_override(street, people):
    street.lamp()
    (never_heard,) = releasing.to_local(
        ["L-1"], now_ms=NOW, reason="the loop let go", issuer="loop:lights", priority=Priority.OPTIMISER
    )
    held = place(people.anna, now_ms=NOW + 1000)
    never_heard.refresh_from_db()
    assert (never_heard.state, held.command.state) == (State.SUPERSEDED, State.QUEUED)


def test_an_emergency_return_to_local_stands_before_an_override(street, people):
    street.lamp()
    (told,) = releasing.to_local(["L-1"], now_ms=NOW, reason="storm", issuer="anna", priority=Priority.EMERGENCY)
    place(people.anna, now_ms=NOW + 1000)
    told.refresh_from_db()
    assert told.state == State.QUEUED
