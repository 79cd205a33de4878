# SPDX-License-Identifier: Apache-2.0
"""Events: entered, changed and cancelled by people, kept as they were known, and only where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from smartcity import declared
from smartcity.api.audit import Actor
from smartcity.api.models import AuditEntry
from smartcity.devices.models import Zone
from smartcity.forecasting import events
from smartcity.forecasting.beside import Events, Window
from smartcity.forecasting.events import Place, Wish
from smartcity.forecasting.models import Event
from tests.forecasting.conftest import METER

HOUR, DAY = 3_600_000, 86_400_000
NOW = 1_795_593_600_000
ANNA = Actor("anna")
DERBY: dict[str, Any] = {"name": "Derby", "kind": "match", "reason": "the fixtures"}
DERBY |= {"start": NOW + DAY, "end": NOW + DAY + 2 * HOUR}


@pytest.fixture(autouse=True)
def targets(monkeypatch):
    monkeypatch.setattr(declared, "targets", lambda: (METER,))


def enter(at_ms=NOW, **more):
    return events.enter(Wish(**DERBY | more), by=ANNA, now_ms=at_ms)


@pytest.mark.django_db
def test_an_event_is_entered_changed_and_cancelled_and_each_step_is_in_the_audit():
    first = enter()
    later = events.change(first, Wish(**DERBY | {"end": NOW + DAY + 3 * HOUR}), by=ANNA, now_ms=NOW + HOUR)
    events.cancel(later, by=ANNA, reason="rain", now_ms=NOW + 2 * HOUR)
    first.refresh_from_db()
    assert (first.cancelled_at, later.entered_at, later.replaces_id) == (NOW + HOUR, NOW + HOUR, first.pk)
    assert first.end == NOW + DAY + 2 * HOUR, "what was known before stays as it was"
    actions = AuditEntry.objects.order_by("pk").values_list("action", "reason")
    assert list(actions) == [
        ("event.enter", "the fixtures"), ("event.change", "the fixtures"), ("event.cancel", "rain"),
    ]  # fmt: skip
    for act in (lambda: events.cancel(first, by=ANNA, reason="", now_ms=NOW),
                lambda: events.change(first, Wish(**DERBY), by=ANNA, now_ms=NOW)):  # fmt: skip
        with pytest.raises(events.Refused, match="changed or cancelled already"):
            act()
    assert Event.objects.count() == 2


WRONG = [
    ({"name": " "}, "what it is called"),
    ({"reason": ""}, "Say why"),
    ({"kind": "miracle"}, "no kind 'miracle'"),
    ({"end": NOW + DAY}, "end after it starts"),
    ({"end": NOW + 100 * DAY}, "92 days"),
    ({"start": NOW + 800 * DAY, "end": NOW + 801 * DAY}, "two years"),
    ({"before_s": 90_000}, "over a day"),
    ({"after_s": -1}, "over a day"),
    ({"concerns": ("tram",)}, "Nothing is foreseen of tram"),
    ({"lon": 24.9}, "circle needs"),
    ({"lon": 24.9, "lat": 95.0, "radius_m": 500.0}, "circle needs"),
    ({"lon": 24.9, "lat": 60.0, "radius_m": 5.0}, "circle needs"),
    ({"expected_percent": 0.0}, "between -100 and 500"),
    ({"expected_percent": float("nan")}, "between -100 and 500"),
    ({"zone": "atlantis"}, "no zone 'atlantis'"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("more", "says"), WRONG, ids=[says for _, says in WRONG])
def test_what_makes_no_sense_is_refused_in_words(more, says):
    with pytest.raises(events.Refused, match=says):
        enter(**more)
    assert not Event.objects.exists() and not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_it_touches_what_is_in_its_place_and_of_its_concern():
    zone = Zone.objects.create(code="centre", name="Centre")
    near, far = (24.94, 60.17), (24.96, 60.17)
    here, there = Place("test.load", zone.pk, near), Place("test.load", zone.pk + 1, far)
    circle = {"lon": 24.94, "lat": 60.17, "radius_m": 400.0}
    for more, touched in (
        ({}, (True, True)),
        ({"zone": "centre"}, (True, False)),
        (circle, (True, False)),
        (circle | {"radius_m": 2000.0}, (True, True)),
        (circle | {"radius_m": 2000.0, "zone": "centre"}, (True, False)),
        ({"concerns": ("test",)}, (True, True)),
        ({"concerns": ("test.load",)}, (True, True)),
    ):
        event = enter(**more)
        assert (events.touches(event, here), events.touches(event, there)) == touched, more
    other = Event(concerns=["traffic"])
    assert not events.touches(other, here)


def test_its_effect_grows_and_fades():
    one = Window("matches", 10 * HOUR, 12 * HOUR, 2 * HOUR, HOUR, entered_ms=0)
    at = np.array([7, 8, 9, 10, 11.5, 12, 12.5, 13]) * HOUR
    np.testing.assert_allclose(one.effect(at.astype(np.int64)), [0, 0, 0.5, 1, 1, 1, 0.5, 0])
    sharp = Window("matches", 10 * HOUR, 12 * HOUR, 0, 0, entered_ms=0)
    np.testing.assert_allclose(
        sharp.effect(np.array([10 * HOUR - 1, 10 * HOUR, 12 * HOUR - 1, 12 * HOUR])), [0, 1, 1, 0]
    )


def test_who_looks_from_before_it_was_entered_or_after_it_was_cancelled_does_not_see_it():
    match = Window("matches", 10 * HOUR, 12 * HOUR, 0, 0, entered_ms=5 * HOUR, cancelled_ms=8 * HOUR)
    market = Window("markets", 11 * HOUR, 13 * HOUR, 0, 0, entered_ms=0)
    both = Events((match, market))
    assert both.names == ("markets", "matches")
    seen = {at: both.seen(at * HOUR, 9 * HOUR, 3600, 5).tolist() for at in (4, 6, 8)}
    assert seen[6] == [[0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
    assert seen[4] == seen[8] == [[0, 0, 1, 1, 0], [0, 0, 0, 0, 0]]
