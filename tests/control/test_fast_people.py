# SPDX-License-Identifier: Apache-2.0
"""Fast control and people: whose grant it rests on, whose hand or tag silences it, and how it returns to local."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smartcity.control import lockout, modes, overriding, releasing, returning
from smartcity.control.models import Command, FastEvent
from smartcity.kernel.control import Mode, State
from tests.control.conftest import NOW, acting, dim, later

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


def lease():
    return Command.objects.get(asset__isnull=True, released_at__isnull=True)


def outcomes():
    return list(FastEvent.objects.exclude(point="lease").order_by("pk").values_list("outcome", flat=True))


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


def test_release_leaves_what_another_loop_holds(street, wire, beat, people):
    street.lamp()
    beat(dim())
    other = replace(street.loop, name="another")
    assert releasing.release(other, street.zone, now_ms=NOW, reason="x", by=acting(people.anna)) == []


@pytest.fixture
def meanwhile(desk, monkeypatch):
    """What to do between the look of a round and its decision; called with the instant."""
    look = desk._lookout.look
    waiting: list = []

    def looked_too_early(now_ms):
        view = look(now_ms)
        for act in waiting:
            act(now_ms)
        return view

    monkeypatch.setattr(desk._lookout, "look", looked_too_early)
    return waiting.append


def test_a_round_that_looked_before_all_went_local_grants_nothing_after_it(
    street, wire, desk, leading, people, meanwhile
):
    street.lamp()
    meanwhile(lambda now_ms: returning.return_all_to_local(by=acting(people.anna), reason="storm", now_ms=now_ms))
    desk.send(desk.prepare([dim()], NOW, leading.epoch))
    assert wire.sent == []


def test_a_round_that_looked_before_an_operator_took_the_lamp_asks_nothing_of_it(
    street, wire, desk, leading, people, meanwhile
):
    street.lamp()
    meanwhile(
        lambda now_ms: overriding.override(
            "L-1", "dim", 90.0, owner=people.anna, by=acting(people.anna), reason="accident",
            until_ms=now_ms + 3_600_000, now_ms=now_ms,
        )
    )  # fmt: skip
    desk.send(desk.prepare([dim()], NOW, leading.epoch))
    assert wire.sent == []
