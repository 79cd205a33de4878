# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from smartcity.control import leases, lockout, modes, requests
from smartcity.control.models import Command, Transition
from smartcity.control.refusals import Conflict, NotAllowed, Refused
from smartcity.kernel.control import Mode, Priority, State
from tests.control.conftest import NOW, RULE, acting, dim, later, loop

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


def states():
    return list(Command.objects.order_by("sequence").values_list("state", flat=True))


def by_hand(person, *setpoints, **more):
    return requests.request(
        setpoints,
        issuer=person.username,
        priority=Priority.OVERRIDE,
        now_ms=NOW,
        by=acting(person),
        **more,
    )


def test_a_signed_asset_is_commanded_automatically(street):
    street.lamp()
    (command,) = street.wants(dim())
    assert (command.state, command.device.uid, command.reason) == (State.QUEUED, "L-1", "nobody there")
    assert list(Transition.objects.values_list("state", flat=True)) == [State.QUEUED]


def test_without_a_signature_automatic_becomes_advice(street):
    street.lamp(signed_by="")
    (command,) = street.wants(dim())
    assert command.state == State.PROPOSED and "no valid signature" in command.state_note


def test_what_breaks_a_limit_is_refused_with_its_reason(street):
    street.lamp()
    (command,) = street.wants(dim(value=5.0))
    assert (command.state, command.state_note) == (State.REFUSED, "below the class minimum of 20")
    assert command.ended_at is not None


def test_a_person_is_held_to_the_same_limits(street, people):
    street.lamp()
    (command,) = by_hand(people.anna, dim(value=5.0))
    assert command.state == State.REFUSED


def test_the_same_wish_is_not_sent_twice_before_half_its_life(street):
    street.lamp()
    assert len(street.wants(dim())) == 1
    assert street.wants(dim(), now_ms=later(290)) == []
    assert len(street.wants(dim(), now_ms=later(310))) == 1
    assert states() == [State.SUPERSEDED, State.QUEUED]


def test_a_refused_wish_is_written_down_once(street):
    street.lamp()
    assert len(street.wants(dim(value=5.0))) == 1
    assert street.wants(dim(value=5.0), now_ms=later(60)) == []


def test_a_newer_wish_replaces_the_older_one_on_the_same_point(street):
    street.lamp()
    street.wants(dim())
    street.wants(dim(value=70.0), now_ms=later(1))
    assert states() == [State.SUPERSEDED, State.QUEUED]


def test_a_loop_in_local_mode_asks_for_nothing(street, people):
    street.lamp()
    modes.set_mode(
        "adaptive", street.zone, Mode.LOCAL, by=acting(people.anna), reason="storm", now_ms=NOW, is_simulation=True
    )
    assert street.wants(dim()) == []


def test_a_loop_in_advise_mode_proposes(street, people):
    street.lamp()
    modes.set_mode(
        "adaptive", street.zone, Mode.ADVISE, by=acting(people.anna), reason="trial", now_ms=NOW, is_simulation=True
    )
    assert [c.state for c in street.wants(dim())] == [State.PROPOSED]


def test_a_tagged_asset_refuses_everybody_with_the_owners_name(street, people):
    street.lamp()
    street.wants(dim())
    lockout.lock_out("L-1", owner=people.anna, by=acting(people.anna), reason="cabinet open", now_ms=NOW)
    assert states() == [State.REFUSED]  # what had not been sent yet
    (automatic,) = street.wants(dim(value=70.0))
    (manual,) = by_hand(people.anna, dim(value=80.0))
    for command in (automatic, manual):
        assert (command.state, command.state_note) == (State.REFUSED, "locked out by anna: cabinet open")


def test_only_the_owner_or_an_administrator_takes_the_tag_off(street, people):
    street.lamp()
    tag = lockout.lock_out("L-1", owner=people.anna, by=acting(people.anna), reason="cabinet open", now_ms=NOW)
    with pytest.raises(NotAllowed, match="anna"):
        lockout.lift_lock_out(tag.pk, user=people.bert, by=acting(people.bert), now_ms=NOW)
    lockout.lift_lock_out(tag.pk, user=people.chief, by=acting(people.chief), now_ms=NOW)
    assert [c.state for c in street.wants(dim())] == [State.QUEUED]


def test_a_second_tag_is_a_conflict_that_names_the_first(street, people):
    street.lamp()
    lockout.lock_out("L-1", owner=people.anna, by=acting(people.anna), reason="cabinet open", now_ms=NOW)
    with pytest.raises(Conflict, match="anna"):
        lockout.lock_out("L-1", owner=people.bert, by=acting(people.bert), reason="me too", now_ms=NOW)


def test_a_real_device_is_not_commanded_in_a_simulation(street):
    street.lamp(simulated=False)
    (command,) = street.wants(dim())
    assert (command.state, command.state_note) == (State.REFUSED, "a real device is commanded only in LIVE")


def test_a_simulated_device_is_not_commanded_in_live(street, live):
    street.lamp()
    street.loop = loop(default_mode=Mode.AUTO)
    assert [c.state for c in street.wants(dim())] == [State.REFUSED]


def test_in_live_nothing_is_automatic_until_a_person_grants_it(street, live, people):
    street.lamp(simulated=False, signed_by="Eva Engineer")
    assert [c.state for c in street.wants(dim())] == [State.PROPOSED]
    modes.set_mode(
        "adaptive", street.zone, Mode.AUTO, by=acting(people.anna), reason="trial", now_ms=NOW, is_simulation=False
    )
    assert [c.state for c in street.wants(dim(value=60.0))] == [State.QUEUED]


def test_what_the_demo_signed_counts_for_nothing_in_live(street, live, people):
    street.lamp(simulated=False, signed_by="demo")
    modes.set_mode(
        "adaptive", street.zone, Mode.AUTO, by=acting(people.anna), reason="trial", now_ms=NOW, is_simulation=False
    )
    assert [c.state for c in street.wants(dim())] == [State.PROPOSED]


def test_an_estimated_asset_is_commanded_in_a_simulation_only(street, live):
    street.lamp(simulated=False, estimated=True)
    (command,) = street.wants(dim())
    assert (command.state, "surveyed" in command.state_note) == (State.REFUSED, True)


def test_an_asset_without_a_device_refuses(street):
    street.lamp(device=False)
    assert [c.state_note for c in street.wants(dim())] == ["no device speaks for this asset"]


def test_the_same_key_gives_the_same_command(street, people):
    street.lamp()
    first = by_hand(people.anna, dim(), key="k-1")
    assert [c.pk for c in by_hand(people.anna, dim(), key="k-1")] == [c.pk for c in first]
    assert Command.objects.count() == 1


def test_the_same_key_for_another_wish_is_a_conflict(street, people):
    street.lamp()
    by_hand(people.anna, dim(), key="k-1")
    with pytest.raises(Conflict):
        by_hand(people.anna, dim(value=80.0), key="k-1")


def test_a_key_belongs_to_who_used_it(street, people):
    street.lamp()
    by_hand(people.anna, dim(), key="k-1")
    by_hand(people.bert, dim(value=80.0), key="k-1")
    assert Command.objects.count() == 2


def test_a_person_hears_of_an_asset_that_is_not_there(street, people):
    with pytest.raises(Refused, match="no asset L-9"):
        by_hand(people.anna, dim("L-9"))


def test_a_paused_leader_cannot_insert(street):
    street.lamp()
    epoch = leases.acquire(leases.CONTROL, "old", -1)
    leases.acquire(leases.CONTROL, "new", 30)
    with pytest.raises(leases.LostLeadership):
        street.wants(dim(), epoch=epoch)
    assert Command.objects.count() == 0


def test_a_hundred_lamps_cost_no_more_queries_than_one(street, django_assert_max_num_queries):
    for number in range(100):
        street.lamp(f"L-{number}")
    street.wants(dim("L-0", 30.0))
    wishes = [dim(f"L-{number}") for number in range(100)]
    with django_assert_max_num_queries(20):
        assert len(street.wants(*wishes)) == 100


def test_not_a_number_is_refused_and_kept_as_a_word(street):
    street.lamp()
    (command,) = street.wants(dim(value=float("nan")))
    command.refresh_from_db()
    assert (command.state, command.value) == (State.REFUSED, "nan")


def test_sequences_grow_within_and_across_requests(street):
    for number in range(3):
        street.lamp(f"L-{number}")
    street.wants(dim("L-0"), dim("L-1"))
    street.wants(dim("L-2"))
    numbers = list(Command.objects.order_by("created_at", "sequence").values_list("sequence", flat=True))
    assert numbers == sorted(set(numbers)) and max(numbers) < 2**53


def test_a_stronger_claim_keeps_the_loop_silent(street, people):
    street.lamp()
    by_hand(people.anna, dim(value=90.0))
    assert street.wants(dim()) == []


def test_a_weaker_wish_by_hand_is_refused_with_the_holder(street, people):
    street.lamp()
    by_hand(people.anna, dim(value=90.0))
    wish = replace(dim(), value=40.0)
    (command,) = requests.request([wish], issuer="bert", priority=Priority.SCHEDULE, now_ms=NOW, by=acting(people.bert))
    assert command.state == State.REFUSED and "override by anna" in command.state_note


def test_a_limit_check_knows_where_the_asset_stands_and_the_citys_time(street, declare, settings):
    seen = []
    rule = replace(RULE, check=lambda setpoint, situation: seen.append((situation.where, situation.time_zone)))
    declare(interlocks=(rule,), loops=(street.loop,))
    street.lamp()
    street.wants(dim())
    assert seen == [((24.94, 60.17), settings.CITY_TIME_ZONE)]
