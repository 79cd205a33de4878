# SPDX-License-Identifier: Apache-2.0
"""Advice, modes, and what is granted to whom."""

from __future__ import annotations

import pytest

from smartcity.api.models import AuditEntry
from smartcity.control import expiring, grants, lockout, modes, proposals, signing
from smartcity.control.instants import instant
from smartcity.control.models import Command, LoopMode, Transition
from smartcity.control.refusals import Refused
from smartcity.devices.models import Zone
from smartcity.kernel.control import Mode, State
from tests.control.conftest import NOW, acting, dim, later, loop

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


def set_mode(street, mode, person, **more):
    return modes.set_mode(
        "adaptive",
        street.zone,
        mode,
        by=acting(person),
        reason="trial",
        is_simulation=True,
        **{"now_ms": NOW} | more,
    )


@pytest.fixture
def advised(street, people):
    street.lamp()
    set_mode(street, Mode.ADVISE, people.anna)
    (command,) = street.wants(dim())
    return command


def state():
    return Command.objects.get().state


def test_advice_that_is_approved_is_queued_and_says_by_whom(advised, people):
    (row,) = proposals.approve([advised.pk], by=acting(people.anna), now_ms=later(5))
    assert (row.state, row.state_note) == (State.QUEUED, "approved by anna")
    steps = Transition.objects.filter(command=row).order_by("pk").values_list("state", flat=True)
    assert list(steps) == [State.PROPOSED, State.APPROVED, State.QUEUED]
    assert AuditEntry.objects.filter(action="command.approve", who="anna").exists()


def test_every_check_is_made_again_at_approval(advised, people):
    lockout.lock_out("L-1", owner=people.bert, by=acting(people.bert), reason="cabinet open", now_ms=later(1))
    with pytest.raises(Refused, match="wait no more"):
        proposals.approve([advised.pk], by=acting(people.anna), now_ms=later(5))
    assert state() == State.REFUSED


def test_advice_is_answered_once(advised, people):
    proposals.approve([advised.pk], by=acting(people.anna), now_ms=later(5))
    with pytest.raises(Refused, match="wait no more"):
        proposals.reject([advised.pk], by=acting(people.bert), now_ms=later(6), reason="no")


def test_rejected_advice_is_not_given_again_before_it_would_have_expired(street, advised, people):
    proposals.reject([advised.pk], by=acting(people.anna), now_ms=later(5), reason="procession tonight")
    assert Command.objects.get().state_note == "rejected by anna: procession tonight"
    assert street.wants(dim(), now_ms=later(60)) == []
    assert len(street.wants(dim(), now_ms=later(601))) == 1


def test_advice_nobody_answers_expires(advised):
    expiring.sweep(later(601), is_simulation=True)
    assert (state(), Command.objects.get().state_note) == (State.EXPIRED, "nobody answered the proposal in time")


def test_newer_advice_replaces_older(street, advised):
    street.wants(dim(value=70.0), now_ms=later(60))
    assert list(Command.objects.order_by("sequence").values_list("state", flat=True)) == [
        State.SUPERSEDED,
        State.PROPOSED,
    ]


def test_a_grant_that_runs_out_ends_in_local_and_tells_the_devices(street, people):
    street.lamp()
    set_mode(street, Mode.AUTO, people.anna, until_ms=later(300))
    street.wants(dim())
    expiring.sweep(later(301), is_simulation=True)
    assert LoopMode.objects.get().mode == Mode.LOCAL
    assert Command.objects.filter(point="lease", value="local", state=State.QUEUED).exists()
    assert street.wants(dim(), now_ms=later(302)) == []


def test_local_for_a_while_returns_to_the_loops_default(street, people):
    street.lamp()
    set_mode(street, Mode.LOCAL, people.anna, until_ms=later(300))
    assert grants.current(street.loop, [street.zone.pk], instant(later(301)), is_simulation=True) == {
        street.zone.pk: Mode.AUTO
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"mode": "off"}, "A mode is one of"), ({"loop_name": "x"}, "no loop"), ({"reason": " "}, "Say why")],
)
def test_a_mode_that_makes_no_sense_is_refused(street, people, changes, words):
    wish = {"loop_name": "adaptive", "zone": street.zone, "mode": "auto", "reason": "trial"} | changes
    with pytest.raises(Refused, match=words):
        modes.set_mode(**wish, by=acting(people.anna), now_ms=NOW, is_simulation=True)


def test_the_demo_grants_automatic_where_its_own_devices_are_signed(street, declare):
    east, west = (Zone.objects.create(code=code, name=code) for code in ("east", "west"))
    street.lamp("L-1")
    street.lamp("L-2", zone=east, signed_by="")
    street.lamp("L-3", zone=west, signed_by="demo", simulated=False)
    declare(loops=(street.loop, loop(name="other", domain="energy")))
    assert modes.grant_demo(NOW) == 1
    row = LoopMode.objects.get()
    assert (row.zone, row.loop, row.mode, row.set_by) == (street.zone, "adaptive", "auto", "demo")
    assert modes.grant_demo(NOW) == 0


def test_the_demo_leaves_alone_what_a_person_has_set(street, people):
    street.lamp()
    set_mode(street, Mode.LOCAL, people.anna)
    assert modes.grant_demo(NOW) == 0
    assert LoopMode.objects.get().mode == Mode.LOCAL


def test_the_demo_grants_nothing_in_live(street, live):
    street.lamp()
    assert modes.grant_demo(NOW) == 0


def test_why_automatic_would_do_nothing_is_said_in_words(street, people):
    east = Zone.objects.create(code="east", name="East")
    street.lamp("L-1")
    street.lamp("L-2", signed_by="")
    street.lamp("L-3", zone=east, signed_by="")
    found = signing.counts([street.loop], instant(NOW), is_simulation=True)
    assert found["adaptive", street.zone.pk] == signing.Signed(2, 1)
    assert "None of the 1 assets" in found["adaptive", east.pk].why_not
    assert found["adaptive", street.zone.pk].why_not == ""


def test_what_the_demo_signed_is_no_signature_in_live(street, live):
    street.lamp("L-1", simulated=False, signed_by="demo")
    street.lamp("L-2", simulated=False, signed_by="Eva Engineer")
    found = signing.counts([street.loop], instant(NOW), is_simulation=False)
    assert found["adaptive", street.zone.pk] == signing.Signed(2, 1)
