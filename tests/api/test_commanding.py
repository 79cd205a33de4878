# SPDX-License-Identifier: Apache-2.0
"""A command over the interface: what it must say, what is answered, and that the same key acts once."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point

from smartcity import declared
from smartcity.api.models import AuditEntry, Grant
from smartcity.control.models import Command
from smartcity.devices.models import Asset, Device, EngineeringRecord, Zone
from smartcity.kernel.clock import clock
from tests.control.conftest import DIM, RULE

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases="__all__")]


@pytest.fixture
def lamp(monkeypatch):
    """A lamp of the centre that may be dimmed to 20 at least."""
    monkeypatch.setattr(declared, "points", lambda: (DIM,))
    monkeypatch.setattr(declared, "interlocks", lambda: (RULE,))
    at = {"zone": Zone.objects.create(code="centre", name="Centre"), "geom": Point(24.94, 60.17, srid=4326)}
    made = Asset.objects.create(uid="L-1", domain="lighting", kind="lamp", name="L-1", **at)
    Device.objects.create(uid="L-1", asset=made)
    EngineeringRecord.objects.create(asset=made, data={"minimum": 20}, signed_by="mara")
    return made


def signed_in(client, name, *actions):
    made = get_user_model()._default_manager.create(username=name)
    Grant.objects.bulk_create(Grant(user=made, action=action, domain="lighting") for action in actions)
    client.force_login(made)
    return client


@pytest.fixture
def anna(client, lamp):
    return signed_in(client, "anna", "view", "operate")


def ask(client, key="", **changes):
    wish = {"asset": "L-1", "point": "dim", "value": 50, "reason": "a look", "until": clock.now_ms() + 600_000}
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/api/v1/commands/", wish | changes, content_type="application/json", headers=headers)


def test_a_command_is_made_answered_and_found_again(anna):
    answer = ask(anna)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["asset"], made["point"], made["value"], made["state"]) == ("L-1", "dim", 50.0, "queued")
    assert made["reason"] == "a look" and [step["state"] for step in made["transitions"]] == ["queued"]
    assert anna.get(f"/api/v1/commands/{made['id']}").json()["id"] == made["id"]
    for query in ({"asset": "L-1"}, {"state": "queued"}, {"domain": "lighting"}, {"zone": "centre"}):
        assert [row["id"] for row in anna.get("/api/v1/commands/", query).json()["results"]] == [made["id"]]
    assert anna.get("/api/v1/commands/", {"state": "sent"}).json()["results"] == []


def test_the_same_key_twice_acts_once(anna):
    until = clock.now_ms() + 600_000
    first, again = (ask(anna, "kerb-1", until=until) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201) and first.json()["id"] == again.json()["id"]
    assert Command.objects.count() == 1 and AuditEntry.objects.count() == 1


def test_the_same_key_for_something_else_is_a_conflict(anna):
    until = clock.now_ms() + 600_000
    assert ask(anna, "kerb-1", until=until).status_code == 201
    answer = ask(anna, "kerb-1", until=until, value=60)
    assert answer.status_code == 409 and answer["Content-Type"] == "application/problem+json"
    assert "key" in answer.json()["detail"].lower() and Command.objects.count() == 1


def test_without_a_key_or_with_another_each_acts(anna):
    answers = [ask(anna), ask(anna, value=60), ask(anna, "one", value=70), ask(anna, "two", value=70)]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["id"] for answer in answers}) == 4


def test_a_key_is_its_owners(anna, client):
    first = ask(anna, "kerb-1").json()["id"]
    bert = signed_in(client, "bert", "view", "operate")
    assert ask(bert, "kerb-1").json()["id"] != first


def test_a_key_may_be_long_and_in_any_script(anna):
    for key in ("k" * 500, "käyttäjä"):
        first, again = ask(anna, key, value=40).json(), ask(anna, key, value=40).json()
        assert first["id"] == again["id"]


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"reason": ""}, 400, "reason"),
        ({"value": None}, 400, "value"),
        ({"value": [1]}, 400, "value"),
        ({"value": True}, 400, "value"),
        ({"until": "soon"}, 400, "until"),
        ({"until": 10**20}, 400, "until"),
        ({"until": None}, 400, "until"),
        ({"asset": "L-9"}, 404, "There is no asset L-9 that you may operate."),
        ({"point": "colour"}, 422, "colour"),
        ({"value": 101}, 422, "100"),
        ({"until": 0}, 422, ""),
    ],
)
def test_what_cannot_be_obeyed_is_refused_in_words(anna, changes, status, words):
    answer = ask(anna, **changes)
    assert answer.status_code == status and words in answer.content.decode(), answer.content
    assert not Command.objects.exclude(state="refused").exists()


def test_what_breaks_a_limit_is_kept_as_refused_with_its_reason(anna):
    made = ask(anna, value=10).json()
    assert (made["state"], made["transitions"][0]["note"]) == ("refused", "below the class minimum of 20")
    assert anna.get("/api/v1/commands/", {"state": "refused"}).json()["results"][0]["id"] == made["id"]


def test_a_value_that_is_no_number_makes_no_command(anna):
    body = '{"asset": "L-1", "point": "dim", "value": NaN, "reason": "x", "until": "2098-01-01T00:00Z"}'
    answer = anna.post("/api/v1/commands/", body, content_type="application/json")
    assert answer.status_code in (400, 422) and not Command.objects.exclude(state="refused").exists()


def test_who_may_only_look_commands_nothing(client, lamp):
    assert ask(signed_in(client, "bert", "view")).status_code == 403 and not Command.objects.exists()
