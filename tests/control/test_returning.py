# SPDX-License-Identifier: Apache-2.0
"""One press: where everything lands, and who has confirmed."""

from __future__ import annotations

import pytest

from smartcity.api.access import Scope
from smartcity.api.models import Grant
from smartcity.control import answering, grants, lockout, overriding, returning
from smartcity.control.instants import instant
from smartcity.control.models import Command, Override
from smartcity.control.refusals import Refused
from smartcity.devices.models import Zone
from smartcity.kernel.control import Mode, State
from tests.control.conftest import NOW, acting, answer, dim, later

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


def press(person, seconds=1, **more):
    return returning.return_all_to_local(by=acting(person), reason="test of the switch", now_ms=later(seconds), **more)


def test_the_preview_says_where_each_kind_lands(street):
    street.lamp("L-1")
    street.lamp("L-2")
    (landing,) = returning.preview()
    assert landing.words == "2 luminaires to the signed programme"
    assert not Command.objects.exists()


def test_the_preview_counts_what_is_locked_out(street, people):
    street.lamp("L-1")
    street.lamp("L-2")
    lockout.lock_out("L-1", owner=people.anna, by=acting(people.anna), reason="cabinet open", now_ms=NOW)
    assert [(landing.count, landing.tagged) for landing in returning.preview()] == [(2, 1)]


def test_the_interface_says_beforehand_what_is_locked_out_and_how_many_overrides_end(street, people, client):
    east = Zone.objects.create(code="east", name="East")
    for uid, zone in (("L-1", street.zone), ("L-2", street.zone), ("L-3", east)):
        street.lamp(uid, zone=zone)
        held = {"owner": people.anna, "by": acting(people.anna), "reason": "accident"}
        overriding.override(uid, "dim", 90.0, until_ms=later(3600), now_ms=NOW, **held)
    lockout.lock_out("L-1", owner=people.anna, by=acting(people.anna), reason="cabinet open", now_ms=NOW)
    Grant.objects.create(user=people.bert, action="operate", domain="lighting", zone="centre")
    client.force_login(people.bert)
    told = client.get("/api/v1/return-to-local/").json()
    standing = Override.objects.filter(ended_at=None, asset__zone=street.zone).count()
    assert (told["total"], told["locked_out"], told["overrides"]) == (2, 1, standing)
    assert [(row["count"], row["locked_out"]) for row in told["domains"]] == [(2, 1)]
    press(people.bert, within=Scope(frozenset({("lighting", "centre")})))
    assert client.get("/api/v1/return-to-local/").json()["overrides"] == 0
    assert Override.objects.filter(ended_at=None, asset__zone=east).count() == 1


def test_one_press_ends_modes_overrides_and_claims_and_tells_every_device(street, people):
    for number in (1, 2, 3):
        street.lamp(f"L-{number}")
    street.wants(dim("L-2"))
    overriding.override(
        "L-1",
        "dim",
        90.0,
        owner=people.anna,
        by=acting(people.anna),
        reason="accident",
        until_ms=later(3600),
        now_ms=NOW,
    )
    batch = press(people.bert)
    assert grants.current(street.loop, [street.zone.pk], instant(later(2)), is_simulation=True) == {
        street.zone.pk: Mode.LOCAL
    }
    assert not Override.objects.filter(ended_at=None).exists()
    assert set(Command.objects.filter(point="dim").values_list("state", flat=True)) == {State.SUPERSEDED}
    assert len(returning.report(batch).waiting) == 3


def test_the_report_lists_who_confirmed_who_refused_and_who_did_not_answer(street, people):
    for number in (1, 2, 3, 4):
        street.lamp(f"L-{number}")
    lockout.lock_out("L-4", owner=people.anna, by=acting(people.anna), reason="cabinet open", now_ms=NOW)
    batch = press(people.anna)
    told = {c.asset.uid: c for c in Command.objects.filter(batch=batch) if c.asset}
    Command.objects.filter(state=State.QUEUED).update(state=State.SENT, sent_at=instant(later(1)))
    answering.take(
        [
            answer(told["L-1"].pk),
            answer(told["L-2"].pk, "refused", device="L-2", reason="local already, by hand"),
        ],
        later(2),
    )
    report = returning.report(batch)
    assert [a.asset for a in report.confirmed] == ["L-1"]
    assert [a.asset for a in report.waiting] == ["L-3"]
    assert {a.asset: a.note for a in report.failed} == {
        "L-2": "local already, by hand",
        "L-4": "locked out by anna: cabinet open",
    }
    assert report.words == "1 of 4 confirmed, 1 waiting, 2 did not"


def test_it_needs_a_reason(street, people):
    with pytest.raises(Refused, match="Say why"):
        returning.return_all_to_local(by=acting(people.anna), reason=" ", now_ms=NOW)


def test_only_what_is_in_reach_returns(street, people):
    east = Zone.objects.create(code="east", name="East")
    street.lamp("L-1")
    street.lamp("L-2", zone=east)
    batch = press(people.anna, within=Scope(frozenset({("", "east")})))
    assert [a.asset for a in returning.report(batch).waiting] == ["L-2"]


def test_the_same_press_twice_is_one(street, people):
    street.lamp()
    assert press(people.anna, key="k") == press(people.anna, seconds=2, key="k")
    assert Command.objects.count() == 1
    assert press(people.bert, key="k") != press(people.anna, key="k")


def test_three_hundred_devices_cost_no_more_queries_than_three(street, people, django_assert_max_num_queries):
    for number in range(300):
        street.lamp(f"L-{number}")
    with django_assert_max_num_queries(40):
        press(people.anna)


def test_the_report_tells_no_more_than_who_asks_may_see(street, people):
    east = Zone.objects.create(code="east", name="East")
    street.lamp("L-1")
    street.lamp("L-2", zone=east)
    batch = press(people.anna)
    assert len(returning.report(batch).waiting) == 2
    within = returning.report(batch, Scope(frozenset({("lighting", "east")})))
    assert [a.asset for a in within.waiting] == ["L-2"] and within.words.startswith("0 of 1")
