# SPDX-License-Identifier: Apache-2.0
"""What the live view hears."""

from __future__ import annotations

import pytest

from smartcity.control import modes
from smartcity.control.instants import instant
from smartcity.control.models import FastEvent
from smartcity.control.telling import Seen, Teller
from smartcity.kernel.control import Mode
from tests.control.conftest import NOW, acting, dim, later

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


@pytest.fixture
def heard():
    return []


@pytest.fixture
def teller(street, inline, heard):
    made = Teller(lambda name, items, standing=False: heard.extend((name, standing, i) for i in items), inline)
    made.announce(made.look())
    return made


def news(teller, heard):
    heard.clear()
    teller.announce(teller.look())
    return heard


def test_at_first_every_mode_is_told_and_stands(teller, heard):
    ((name, standing, item),) = heard
    assert (name, standing, item["id"], item["word"]) == ("modes", True, "adaptive/centre", "Adaptive")


def test_a_commands_steps_are_told_once_whoever_made_them(street, teller, heard):
    street.lamp()
    street.wants(dim())
    ((name, _, item),) = news(teller, heard)
    assert (name, item["asset"], item["state"], item["word"]) == ("commands", "L-1", "queued", "requested")
    assert (item["domain"], item["zone"], item["value"], item["reason"]) == ("lighting", "centre", 50.0, "nobody there")
    assert news(teller, heard) == []


def test_a_mode_is_told_when_it_changes(street, teller, heard, people):
    modes.set_mode(
        "adaptive", street.zone, Mode.LOCAL, by=acting(people.anna), reason="storm", now_ms=NOW, is_simulation=True
    )
    ((name, _, item),) = news(teller, heard)
    assert (name, item["mode"], item["set_by"]) == ("modes", "local", "anna")
    assert news(teller, heard) == []


def test_events_of_fast_loops_are_told(street, teller, heard):
    asset = street.lamp()
    FastEvent.objects.create(at=instant(later(1)), asset=asset, point="dim", value=50, outcome="refused", note="no")
    ((name, _, item),) = news(teller, heard)
    assert (name, item["asset"], item["outcome"], item["zone"]) == ("events", "L-1", "refused", "centre")


def test_a_lower_number_that_is_committed_later_is_not_missed():
    seen = Seen(100, set(range(-100, 101)) - {99})
    assert seen.fresh([(101, "a"), (102, "b")]) == ["a", "b"]
    assert seen.fresh([(99, "late"), (101, "a"), (102, "b")]) == ["late"]
    assert seen.fresh([(99, "late"), (102, "b")]) == []
