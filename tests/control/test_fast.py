# SPDX-License-Identifier: Apache-2.0
"""Fast control: the lease a person reads, grants to devices, requests under them, and a log that stays small."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smartcity.control import leases, lockout, modes, overriding, releasing, returning
from smartcity.control.fast import FastDesk
from smartcity.control.leader import Leader
from smartcity.control.models import Command, FastEvent, Lease
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Mode, State
from tests.control.conftest import NOW, acting, answer, dim, done, later

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


@pytest.fixture
def fast(street, declare):
    street.loop = replace(street.loop, fast=True, lease_s=900, most_per_min=60)
    declare(loops=(street.loop,))
    return street.loop


@pytest.fixture
def leader(inline, street):
    made = Leader(inline, ttl_s=60)
    done(made.attempt())
    return made


@pytest.fixture
def desk(fast, wire, leader):
    return FastDesk(fast, wire, leader, clock)


@pytest.fixture
def beat(desk, leader, at):
    def round_(*setpoints, seconds=0.0, answers=()):
        at(later(seconds))
        desk.on_ack(answers)
        desk.send(desk.prepare(setpoints, later(seconds), leader.epoch))

    return round_


def lease():
    return Command.objects.get(asset__isnull=True, released_at__isnull=True)


def outcomes():
    return list(FastEvent.objects.exclude(point="lease").order_by("pk").values_list("outcome", flat=True))


def test_the_device_is_granted_first_and_then_asked(street, wire, beat):
    street.lamp()
    beat(dim())
    assert wire.told() == [("lease", "auto"), ("dim", 50.0)]
    assert all(name.startswith("f") for name in wire.ids())
    (granted, asked) = (told for _, told in wire.sent)
    assert granted["expires_at"] == later(900) and asked["expires_at"] == later(600)
    assert granted["sequence"] < asked["sequence"]


def test_the_lease_is_one_command_a_person_can_read(street, wire, beat):
    for number in (1, 2):
        street.lamp(f"L-{number}")
        wire.there.add(f"L-{number}")
    beat(dim())
    assert (lease().state, lease().zone, lease().value) == (State.SENT, street.zone, "auto")
    assert "Adaptive for 2 devices in Centre" in lease().reason
    beat(answers=[answer(wire.ids("L-1")[0])], seconds=1)
    assert (lease().state, lease().state_note) == (State.APPLIED, "1 of 2 devices have confirmed, not yet L-2")
    beat(answers=[answer(wire.ids("L-2")[0], device="L-2")], seconds=2)
    assert (lease().state, lease().state_note) == (State.VERIFIED, "2 of 2 devices have confirmed")


def test_the_same_wish_is_asked_again_only_when_half_its_life_is_over(street, wire, beat):
    street.lamp()
    beat(dim())
    beat(answers=[answer(wire.ids()[0]), answer(wire.ids()[1])], seconds=1)
    beat(dim(), seconds=2)
    assert len(wire.sent) == 2
    beat(dim(value=60.0), seconds=3)
    beat(dim(value=60.0), seconds=304)
    assert wire.told()[2:] == [("dim", 60.0), ("dim", 60.0)]


def test_a_loop_may_say_which_values_mean_the_same(street, wire, fast, leader, at):
    street.lamp()
    alike = replace(fast, extra={**fast.extra, "is_same": lambda old, new: abs(old - new) < 5})
    desk = FastDesk(alike, wire, leader, clock)
    for seconds, value in enumerate((50.0, 52.0, 60.0)):
        desk.send(desk.prepare([dim(value=value)], later(seconds), leader.epoch))
    assert [value for point, value in wire.told() if point == "dim"] == [50.0, 60.0]


def test_the_lease_is_renewed_at_half_its_life(street, wire, beat):
    street.lamp()
    beat(dim())
    beat(answers=[answer(key) for key in wire.ids()], seconds=1)
    beat(seconds=449)
    assert len(wire.told()) == 2
    beat(seconds=451)
    assert wire.told()[2:] == [("lease", "auto")]
    assert Command.objects.filter(asset__isnull=True).count() == 2 and lease().expires_at.timestamp() * 1000 == later(
        1351
    )


def test_a_device_without_a_lease_is_granted_again(street, wire, beat):
    street.lamp()
    beat(dim())
    beat(answers=[answer(wire.ids()[0]), answer(wire.ids()[1], "refused", reason="no lease")], seconds=1)
    assert wire.told()[2:] == [("lease", "auto")]


def test_a_device_that_came_back_is_granted_again(street, wire, beat, desk):
    street.lamp()
    beat(dim())
    beat(answers=[answer(key) for key in wire.ids()], seconds=1)
    desk.on_ready("L-1")
    beat(seconds=2)
    assert wire.told()[2:] == [("lease", "auto")]


def test_what_breaks_a_limit_is_never_sent_and_logged_once(street, wire, beat):
    street.lamp()
    for seconds in range(5):
        beat(dim(value=5.0), seconds=seconds)
    assert set(wire.told()) == {("lease", "auto")}
    beat(seconds=6)
    event = FastEvent.objects.exclude(point="lease").get()
    assert (event.outcome, event.note) == ("limit", "below the class minimum of 20")


def test_a_refusal_by_the_device_is_counted_and_named(street, wire, beat, desk):
    street.lamp()
    beat(dim())
    beat(answers=[answer(wire.ids()[1], "refused", reason="minimum green has 3 s to go")], seconds=1)
    event = FastEvent.objects.exclude(point="lease").get()
    assert (event.outcome, event.note, desk.refused) == ("refused", "minimum green has 3 s to go", 1)
    assert event.lease == lease()


def test_a_minute_of_confirmed_requests_is_one_line(street, wire, beat, desk):
    street.lamp()
    for second in range(50):
        beat(dim(value=30.0 + second), seconds=second, answers=[answer(key) for key in wire.ids()])
    assert (desk.asked, desk.confirmed, outcomes()) == (50, 49, ["confirmed"])


def test_in_advise_mode_nothing_is_sent_and_the_wish_is_logged(street, wire, beat, people):
    street.lamp()
    modes.set_mode(
        "adaptive", street.zone, Mode.ADVISE, by=acting(people.anna), reason="trial", now_ms=NOW, is_simulation=True
    )
    beat(dim())
    assert (wire.sent, outcomes()) == ([], ["advised"])
    assert not Command.objects.exists()


def test_without_a_signature_there_is_advice_only(street, wire, beat):
    street.lamp(signed_by="")
    beat(dim())
    assert (wire.sent, outcomes()) == ([], ["advised"])


def test_in_local_mode_there_is_silence(street, wire, beat, people):
    street.lamp()
    modes.set_mode(
        "adaptive", street.zone, Mode.LOCAL, by=acting(people.anna), reason="storm", now_ms=NOW, is_simulation=True
    )
    beat(dim())
    assert (wire.sent, outcomes()) == ([], [])


def test_leaving_automatic_tells_every_granted_device_to_go_local(street, wire, beat, people):
    street.lamp()
    beat(dim())
    modes.set_mode(
        "adaptive",
        street.zone,
        Mode.LOCAL,
        by=acting(people.anna),
        reason="storm",
        now_ms=later(1),
        is_simulation=True,
    )
    ended = Command.objects.get(asset__isnull=True)
    assert ended.state == State.SUPERSEDED and ended.released_at is not None
    told = Command.objects.get(asset__uid="L-1")
    assert (told.point, told.value, told.state) == ("lease", "local", State.QUEUED)
    beat(dim(value=60.0), seconds=2)
    assert ("dim", 60.0) not in wire.told()


def test_an_operators_hand_silences_the_loop_on_the_whole_asset(street, wire, beat, people):
    street.lamp()
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
    beat(dim())
    assert (wire.sent, outcomes()) == ([], [])


def test_a_tagged_asset_is_not_asked(street, wire, beat, people):
    street.lamp()
    lockout.lock_out("L-1", owner=people.anna, by=acting(people.anna), reason="cabinet open", now_ms=NOW)
    beat(dim())
    assert (wire.sent, outcomes()) == ([], ["limit"])


def test_a_paused_leader_asks_for_nothing(street, wire, beat, leader):
    street.lamp()
    beat(dim())
    Lease.objects.update(expires=street.before)
    leases.acquire(leases.CONTROL, "another", 60)
    with pytest.raises(leases.LostLeadership):
        beat(dim(value=60.0), seconds=1)
    assert len(wire.sent) == 2


def test_what_was_prepared_before_a_pause_is_not_sent_after_it(street, wire, desk, leader):
    street.lamp()
    sheet = desk.prepare([dim()], NOW, leader.epoch)
    leader.lost()
    desk.send(sheet)
    assert wire.sent == []


def test_the_grant_ends_when_the_persons_grant_ends(street, wire, beat, people):
    street.lamp()
    modes.set_mode(
        "adaptive",
        street.zone,
        Mode.AUTO,
        by=acting(people.anna),
        reason="trial",
        now_ms=NOW,
        is_simulation=True,
        until_ms=later(120),
    )
    beat(dim())
    assert [told["expires_at"] for _, told in wire.sent] == [later(120), later(120)]


def test_all_to_local_ends_the_lease_and_tells_the_devices(street, wire, beat, people):
    street.lamp()
    beat(dim())
    batch = returning.return_all_to_local(by=acting(people.anna), reason="test", now_ms=later(1))
    assert not Command.objects.filter(asset__isnull=True, released_at__isnull=True).exists()
    assert [a.asset for a in returning.report(batch).waiting] == ["L-1"]
    before = len(wire.sent)
    beat(dim(value=60.0), seconds=2)
    assert len(wire.sent) == before


def test_a_grant_without_an_answer_is_repeated_after_a_while(street, wire, beat):
    street.lamp()
    beat()
    beat(seconds=1)
    beat(seconds=4)
    assert wire.told() == [("lease", "auto")] * 2


def test_the_queries_of_a_round_do_not_grow_with_the_street(street, wire, desk, leader, django_assert_max_num_queries):
    for number in range(60):
        street.lamp(f"L-{number}")
        wire.there.add(f"L-{number}")
    desk.send(desk.prepare([dim(f"L-{number}") for number in range(60)], NOW, leader.epoch))
    with django_assert_max_num_queries(12):
        desk.send(desk.prepare([dim(f"L-{n}", 60.0) for n in range(60)], later(1), leader.epoch))
    assert len(wire.sent) == 180


def test_release_leaves_what_another_loop_holds(street, wire, beat, people):
    street.lamp()
    beat(dim())
    other = replace(street.loop, name="another")
    assert releasing.release(other, street.zone, now_ms=NOW, reason="x", by=acting(people.anna)) == []


def test_a_round_that_looked_before_all_went_local_grants_nothing_after_it(
    street, wire, desk, leader, people, monkeypatch
):
    street.lamp()
    look = desk._lookout.look

    def looked_too_early(now_ms):
        view = look(now_ms)
        returning.return_all_to_local(by=acting(people.anna), reason="storm", now_ms=now_ms)
        return view

    monkeypatch.setattr(desk._lookout, "look", looked_too_early)
    desk.send(desk.prepare([dim()], NOW, leader.epoch))
    assert wire.sent == []


def test_a_round_that_looked_before_an_operator_took_the_lamp_asks_nothing_of_it(
    street, wire, desk, leader, people, monkeypatch
):
    street.lamp()
    look = desk._lookout.look

    def looked_too_early(now_ms):
        view = look(now_ms)
        overriding.override(
            "L-1", "dim", 90.0, owner=people.anna, by=acting(people.anna), reason="accident",
            until_ms=now_ms + 3_600_000, now_ms=now_ms,
        )  # fmt: skip
        return view

    monkeypatch.setattr(desk._lookout, "look", looked_too_early)
    desk.send(desk.prepare([dim()], NOW, leader.epoch))
    assert wire.sent == []
