# SPDX-License-Identifier: Apache-2.0
"""Model cards: what they say, who may approve them, and the entry for a public register."""

from __future__ import annotations

import dataclasses
import json
from datetime import date

import pytest
from django.contrib.auth import get_user_model

from smartcity import declared
from smartcity.api.models import AuditEntry, Grant
from smartcity.forecasting import board, cards, register
from smartcity.forecasting.models import CardApproval
from smartcity.kernel.clock import Anchor, clock, wall_ms
from smartcity.kernel.metrics import DataClass
from tests.forecasting.conftest import METER, METRICS, NOW
from tests.forecasting.test_board import a_series, scored

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]
HERE = "/api/v1/forecasts/cards/test.load/meter"
WORD = {"owner": "Grid desk", "contact": "grid@city.invalid", "basis": "Decision 12/2026", "reason": "eight good weeks"}


@pytest.fixture(autouse=True)
def at_now(monkeypatch):
    monkeypatch.setattr(declared, "metrics", lambda: METRICS)
    monkeypatch.setattr(declared, "targets", lambda: (METER,))
    before = clock.anchor
    clock.adopt(Anchor(NOW, wall_ms(), 0.0, 1.0, simulated=True))
    yield
    clock.adopt(before)


@pytest.fixture
def as_who(client):
    def made(*actions, domain="test", zone=""):
        user = get_user_model()._default_manager.create_user(f"u{get_user_model()._default_manager.count()}")
        Grant.objects.bulk_create(Grant(user=user, action=one, domain=domain, zone=zone) for one in actions)
        client.force_login(user)
        return client

    return made


def approve(client, **word):
    return client.post(f"{HERE}/approve", json.dumps(WORD | word), content_type="application/json")


def test_a_card_says_what_for_from_what_by_what_and_how_well(as_who):
    scored(a_series(), count=4)
    client = as_who("view")
    found = client.get(HERE).json()
    assert found["purpose"] == "to test forecasts" and found["horizon_h"] == 24 and found["data_class"] == "internal"
    assert "readings are kept 730 days" in found["data"][1] and "seasonal naive" in found["methods"]
    assert (
        found["measured"].startswith("Off by 4 kW on average") and "From 4 forecasts of 1 series" in found["measured"]
    )
    assert any("does not know the weather" in said for said in found["limits"])
    assert found["approval"] is None and found["may_approve"] is False and len(found["code"]) == 12
    (short,) = client.get("/api/v1/forecasts/cards").json()["results"]
    assert (short["metric"], short["kind"], short["is_current"]) == ("test.load", "meter", False)


def test_what_was_measured_badly_stands_first_among_the_limits():
    figures = board.Figures(10, 1.0, 1.0, 1.0, -0.2, 0.6, 0.95, 0.0)
    card = cards.Card(METER, METRICS["test.load"], "meter", None, None, ())
    line = board.Line(board.Kind("test", "test.load", "meter"), 1, 10, figures, None, None, ())
    bad = dataclasses.replace(card, line=line)
    assert "20% further off" in bad.limits[0] and "80 % band is too narrow: it held 60%" in bad.limits[1]
    assert card.limits[0] == "Nothing of it has been measured yet."


def test_who_administers_the_domain_approves_with_a_reason_and_it_is_in_the_audit(as_who):
    scored(a_series(), count=4)
    client = as_who("view", "administer")
    assert client.get(HERE).json()["may_approve"] is True
    answer = approve(client)
    assert answer.status_code == 201 and answer.json()["owner"] == "Grid desk"
    found = client.get(HERE).json()
    assert found["approval"]["reason"] == "eight good weeks" and found["is_current"] is True
    assert found["approvals"][0]["figures"]["mae"] == 4
    entry = AuditEntry.objects.get(action="forecast.approve")
    assert entry.subject == "test.load of meter" and entry.reason == "eight good weeks"
    assert approve(client, reason="").status_code == 400 and approve(client, contact="nobody").status_code == 400


@pytest.mark.parametrize(
    ("actions", "where", "wanted"),
    [
        (("view",), {}, 403),
        (("view", "administer"), {"zone": "centre"}, 404),
        (("view", "administer"), {"domain": "energy"}, 404),
        (("administer",), {}, 404),
    ],
)
def test_nobody_else_approves(as_who, actions, where, wanted):
    assert approve(as_who(*actions, **where)).status_code == wanted
    assert not CardApproval.objects.exists() and not AuditEntry.objects.exists()


def test_who_does_not_see_the_domain_sees_no_card(as_who):
    client = as_who("view", domain="energy")
    assert client.get(HERE).status_code == 404 and client.get("/api/v1/forecasts/cards").json()["results"] == []
    assert as_who("view").get("/api/v1/forecasts/cards/test.load/tram").status_code == 404


def test_when_the_methods_change_the_approval_is_of_others(as_who, monkeypatch):
    client = as_who("view", "administer")
    approve(client)
    monkeypatch.setattr(cards, "code", lambda: "another")
    found = client.get(HERE).json()
    assert found["approval"] is not None and found["is_current"] is False


def test_the_entry_for_a_register_has_the_fields_of_the_standard_and_says_what_the_city_must_add(as_who):
    client = as_who("view", "administer")
    before = client.get(HERE, {"as": "register"}).json()
    assert before["publication_date"] == before["department"] == "" and before["status"] == "evaluation"
    approve(client)
    answer = client.get(HERE, {"as": "register"})
    assert answer["Content-Disposition"] == 'attachment; filename="SIMULATION-test.load-meter-register.json"'
    found = answer.json()
    assert found["standard_version"] == "0.3.1" and found["department"] == "Grid desk"
    assert found["lawful_basis"] == "Decision 12/2026" and found["contact_email"] == "grid@city.invalid"
    assert date.fromisoformat(found["revision_date"]) > date.fromisoformat(found["publication_date"])
    assert found["remark"] == "For the city to fill in: country, risk_category, objection_procedure, DPIA_description."
    assert len(found["description_short"]) <= 150 and 500 <= len(found["description"]) <= 10_000
    assert all(isinstance(value, str) for value in found.values())


def test_of_personal_data_it_does_not_say_that_nobody_is_concerned():
    metric = dataclasses.replace(METRICS["test.load"], data_class=DataClass.PERSONAL, keep_rollup_days=90)
    card = cards.Card(METER, metric, "meter", None, None, ())
    found = register.entry(card, city="Krems", simulated=False, approved_on=None, first_on=None)
    assert "personal data" in found["impact"] and found["status"] == "pilot"
