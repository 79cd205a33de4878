# SPDX-License-Identifier: Apache-2.0
"""Fast control: the lease a person reads, grants to devices, requests under them, and a log that stays small."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smartcity.control import leases
from smartcity.control.fast import FastDesk
from smartcity.control.models import Command, FastEvent, Lease
from smartcity.kernel.clock import clock
from smartcity.kernel.control import State
from tests.control.conftest import NOW, answer, dim, later

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


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


def test_a_loop_may_say_which_values_mean_the_same(street, wire, fast, leading, at):
    street.lamp()
    alike = replace(fast, extra={**fast.extra, "is_same": lambda old, new: abs(old - new) < 5})
    desk = FastDesk(alike, wire, leading, clock)
    for seconds, value in enumerate((50.0, 52.0, 60.0)):
        desk.send(desk.prepare([dim(value=value)], later(seconds), leading.epoch))
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


def test_a_paused_leader_asks_for_nothing(street, wire, beat, leading):
    street.lamp()
    beat(dim())
    Lease.objects.update(expires=street.before)
    leases.acquire(leases.CONTROL, "another", 60)
    with pytest.raises(leases.LostLeadership):
        beat(dim(value=60.0), seconds=1)
    assert len(wire.sent) == 2


def test_what_was_prepared_before_a_pause_is_not_sent_after_it(street, wire, desk, leading):
    street.lamp()
    sheet = desk.prepare([dim()], NOW, leading.epoch)
    leading.lost()
    desk.send(sheet)
    assert wire.sent == []


def test_a_grant_without_an_answer_is_repeated_after_a_while(street, wire, beat):
    street.lamp()
    beat()
    beat(seconds=1)
    beat(seconds=4)
    assert wire.told() == [("lease", "auto")] * 2


def test_the_queries_of_a_round_do_not_grow_with_the_street(street, wire, desk, leading, django_assert_max_num_queries):
    for number in range(60):
        street.lamp(f"L-{number}")
        wire.there.add(f"L-{number}")
    desk.send(desk.prepare([dim(f"L-{number}") for number in range(60)], NOW, leading.epoch))
    with django_assert_max_num_queries(12):
        desk.send(desk.prepare([dim(f"L-{n}", 60.0) for n in range(60)], later(1), leading.epoch))
    assert len(wire.sent) == 180
