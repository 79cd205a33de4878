# SPDX-License-Identifier: Apache-2.0
"""Events over REST: who may enter, see, change and cancel which, and what is answered to what makes no sense."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from smartcity import declared
from smartcity.api.models import AuditEntry, Grant
from smartcity.devices.models import Zone
from smartcity.forecasting.models import Event
from smartcity.kernel.clock import clock
from tests.forecasting.conftest import METER, METRICS

HOUR = 3_600_000
BOTH = (("view", "", ""), ("operate", "", ""))
pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]


def derby(**more):
    start = clock.now_ms() + 24 * HOUR
    return {"name": "Derby", "kind": "match", "start": start, "end": start + 2 * HOUR, "reason": "the fixtures"} | more


@pytest.fixture
def ask(client, monkeypatch):
    monkeypatch.setattr(declared, "metrics", lambda: METRICS)
    monkeypatch.setattr(declared, "targets", lambda: (METER,))
    for code in ("centre", "north"):
        Zone.objects.create(code=code, name=code.title())

    def asked(method, path="", *, grants=BOTH, **body):
        user, _ = get_user_model()._default_manager.get_or_create(username="anna")
        Grant.objects.filter(user=user).delete()
        for action, domain, zone in grants:
            Grant.objects.create(user=user, action=action, domain=domain, zone=zone)
        client.force_login(user)
        call = getattr(client, method)
        where = f"/api/v1/forecasts/events{path}"
        return call(where) if method == "get" else call(where, body, content_type="application/json")

    return asked


def test_an_operator_enters_changes_and_cancels_and_everybody_reads_it(ask):
    made = ask("post", **derby(zone="centre", concerns=["test"], expected_percent=30))
    assert made.status_code == 201 and made.json()["owner"] == "anna" and made.json()["zone_name"] == "Centre"
    changed = ask("put", f"/{made.json()['id']}", **derby(name="Derby, postponed", zone="centre"))
    assert changed.status_code == 200 and changed.json()["replaces"] == made.json()["id"]
    listed = ask("get", grants=(("view", "", ""),)).json()
    assert [(row["name"], row["may_change"]) for row in listed["results"]] == [("Derby, postponed", False)]
    assert listed["zones"] == [] and listed["domains"] == [] and listed["weather"]["is_well"] is True
    pk = changed.json()["id"]
    assert ask("post", f"/{pk}/cancel", reason="rain").json()["cancelled_by"] == "anna"
    assert ask("post", f"/{pk}/cancel", reason="rain").status_code == 409
    assert ask("put", f"/{pk}", **derby()).status_code == 409
    assert ask("get", f"/{pk}").json()["cancelled_at"] is not None
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "event.enter", "event.change", "event.cancel",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("grant", "allowed"),
    [
        (("operate", "", ""), {"", "zone", "domain", "both"}),
        (("operate", "test", ""), {"domain", "both"}),
        (("operate", "", "north"), {"zone", "both"}),
        (("operate", "test", "north"), {"both"}),
        (("operate", "test", "centre"), set()),
        (("operate", "traffic", "north"), set()),
    ],
)
def test_who_may_enter_change_and_cancel_what(ask, grant, allowed):
    places: dict[str, dict] = {"": {}, "zone": {"zone": "north"}, "domain": {"concerns": ["test.load"]},
              "both": {"zone": "north", "concerns": ["test"]}}  # fmt: skip
    mine = (("view", "", ""), grant)
    for name, place in places.items():
        theirs = ask("post", **derby(**place)).json()["id"]
        is_allowed = name in allowed
        assert ask("post", grants=mine, **derby(**place)).status_code == (201 if is_allowed else 404), name
        assert ask("put", f"/{theirs}", grants=mine, **derby(**place)).status_code == (200 if is_allowed else 404), name
        newest = Event.objects.latest("pk").pk if is_allowed else theirs
        assert ask("post", f"/{newest}/cancel", grants=mine).status_code == (200 if is_allowed else 404), name


def test_nobody_moves_his_event_to_where_he_may_not(ask):
    mine = (("view", "", ""), ("operate", "", "north"))
    own = ask("post", grants=mine, **derby(zone="north")).json()["id"]
    assert ask("put", f"/{own}", grants=mine, **derby(zone="centre")).status_code == 404
    assert ask("put", f"/{own}", grants=mine, **derby()).status_code == 404
    assert Event.objects.get().cancelled_at is None


def test_whoever_may_see_nothing_it_touches_does_not_see_it(ask):
    everywhere: tuple[dict, ...] = ({}, {"zone": "north"}, {"concerns": ["test"]})
    for place in everywhere:
        ask("post", **derby(**place))
    for grant, count in (
        (("view", "", ""), 3), (("view", "", "centre"), 2), (("view", "traffic", ""), 2),
        (("view", "traffic", "centre"), 1),
    ):  # fmt: skip
        assert len(ask("get", grants=(grant,)).json()["results"]) == count, grant
    hidden = Event.objects.get(zone__code="north").pk
    assert ask("get", f"/{hidden}", grants=(("view", "", "centre"),)).status_code == 404


def test_what_makes_no_sense_is_answered_with_a_sentence(ask):
    wrong: list[tuple[dict, str]] = [
        ({"kind": "miracle"}, "kind"), ({"end": 5}, "event"), ({"start": 10**30}, "start"),
        ({"zone": "atlantis"}, "event"),
        ({"lon": 24.9}, "event"), ({"name": ""}, "name"), ({"reason": ""}, "reason"), ({"concerns": ["tram"]}, "event"),
        ({"expected_percent": 9e9}, "event"), ({"concerns": "tram"}, "concerns"), ({"name": "a\0b"}, "name"),
    ]  # fmt: skip
    for more, field in wrong:
        answer = ask("post", **derby(**more))
        assert answer.status_code == 400 and list(answer.json()["errors"]) == [field], (more, answer.content)
    assert ask("get", f"/{10**30}").status_code == 404 and ask("post", "/7/cancel").status_code == 404
    assert not Event.objects.exists()
