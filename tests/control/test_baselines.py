# SPDX-License-Identifier: Apache-2.0
"""A measured span becomes the baseline of a figure: by REST, by command, with whom and why in the audit."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from smartcity.api.models import AuditEntry, Grant
from smartcity.control import ledger
from smartcity.control.instants import instant, ms_of
from smartcity.control.models import Baseline, LedgerEntry
from smartcity.kernel.worth import Evidence, Worth

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]

START = ms_of(datetime(2026, 11, 1, tzinfo=UTC))
DAY = 86_400_000
PATH = "/api/v1/baselines/"
WISH = {
    "domain": "lighting",
    "kpi": "energy",
    "name": "before",
    "from": START,
    "to": START + 2 * DAY,
    "design": "before/after, two streets as controls",
    "reason": "trial on Main street",
}
ARGUMENTS = ["--name", "before", "--from", "2026-11-01T00:00Z", "--to", "2026-11-03T00:00Z", "--design", "before/after"]


def measured(*values, first=0, evidence=Evidence.MEASURED):
    figures = [
        Worth(
            kpi="energy", value=value, baseline=0.0, baseline_name="all night", from_ms=START + day * DAY,
            to_ms=START + (day + 1) * DAY, evidence=evidence,
        )
        for day, value in enumerate(values, start=first)
    ]  # fmt: skip
    ledger.write("lighting", figures)


@pytest.fixture
def anna(people, client):
    client.force_login(people.anna)

    def may(action, domain="lighting", zone=""):
        Grant.objects.create(user=people.anna, action=action, domain=domain, zone=zone)
        return client

    return may


def post(client, **changes):
    return client.post(PATH, WISH | changes, content_type="application/json")


def withdraw(client, pk, reason="the meter was wrong"):
    return client.post(f"{PATH}{pk}/withdraw", {"reason": reason}, content_type="application/json")


def today():
    """The entry of a later day, as the ledger brings it up to date."""
    measured(70, first=5)
    entry = LedgerEntry.objects.get(from_at=instant(START + 5 * DAY))
    return entry.measured_baseline, entry.baseline_name


def test_a_stored_baseline_is_compared_with_from_then_on_and_is_in_the_audit(anna):
    measured(90, 110)
    client = anna("configure")
    anna("view")
    answer = post(client)
    assert (answer.status_code, answer.json()["value"]) == (201, 100.0), answer.content
    measured(70, first=5)
    entry = LedgerEntry.objects.latest("from_at")
    assert (entry.measured_value, entry.measured_baseline, entry.baseline_name) == (70.0, 100.0, "before")
    row = AuditEntry.objects.get(action="baseline.store")
    assert (row.who, row.reason, row.after["value"]) == ("anna", "trial on Main street", 100.0)
    (told,) = client.get(PATH).json()["results"]
    assert (told["name"], told["stored_by"], told["from"]) == ("before", "anna", START)


@pytest.mark.parametrize(
    ("action", "domain", "zone"),
    [("operate", "lighting", ""), ("configure", "energy", ""), ("configure", "lighting", "centre")],
    ids=["may operate only", "another domain", "one zone only"],
)
def test_it_needs_the_right_to_configure_the_whole_domain(anna, action, domain, zone):
    measured(90, 110)
    assert post(anna(action, domain, zone)).status_code == 403
    assert not Baseline.objects.exists() and not AuditEntry.objects.filter(action="baseline.store").exists()


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"kpi": "beauty"}, 422, "has no figure"),
        ({"to": START}, 422, "must end after it begins"),
        ({"from": START + 9 * DAY, "to": START + 10 * DAY}, 422, "Nothing was measured"),
        ({"reason": ""}, 400, "reason"),
        ({"from": "yesterday"}, 400, "from"),
    ],
)
def test_what_is_no_baseline_is_refused_with_a_sentence(anna, changes, status, words):
    measured(90, 110)
    answer = post(anna("configure"), **changes)
    assert (answer.status_code, words in answer.content.decode()) == (status, True), answer.content
    assert not Baseline.objects.exists()


def test_a_day_that_still_runs_is_no_day_of_a_baseline(anna):
    measured(90, 110)
    LedgerEntry.objects.filter(measured_value=110).update(to_at=instant(START + DAY + DAY // 2))
    assert post(anna("configure")).json()["value"] == 90.0


def test_beforehand_it_says_what_would_be_stored_and_what_that_replaces(anna):
    measured(90, 110)
    client = anna("configure")
    asked = {name: WISH[name] for name in ("domain", "kpi", "from", "to")}
    shown = client.get(f"{PATH}preview", asked).json()
    assert shown == {"value": 100.0, "days": 2, "replaces": None, "why_not": ""}
    none = client.get(f"{PATH}preview", asked | {"from": START + 9 * DAY, "to": START + 10 * DAY}).json()
    assert none["value"] is None and none["why_not"].startswith("Nothing was measured")
    assert not Baseline.objects.exists()
    post(client)
    assert client.get(f"{PATH}preview", asked).json()["replaces"] == "before"
    assert client.get(f"{PATH}preview", asked | {"domain": "energy"}).status_code == 403
    assert client.get(f"{PATH}preview", {"domain": "lighting"}).status_code == 400


def test_a_withdrawn_baseline_is_compared_with_no_more_and_the_one_before_is_in_force_again(anna):
    measured(90, 110)
    client = anna("configure")
    anna("view")
    post(client)
    wrong = post(client, name="wrong one", to=START + DAY).json()["id"]
    assert today() == (90.0, "wrong one")
    assert withdraw(client, wrong).status_code == 200
    assert today() == (100.0, "before")
    row = AuditEntry.objects.get(action="baseline.withdraw")
    assert (row.who, row.reason, row.before["name"]) == ("anna", "the meter was wrong", "wrong one")
    told = {found["name"]: found for found in client.get(PATH).json()["results"]}
    assert (told["wrong one"]["in_force"], told["wrong one"]["withdrawn_by"]) == (False, "anna")
    assert told["before"]["in_force"]
    again = withdraw(client, wrong)
    assert (again.status_code, "already" in again.content.decode()) == (422, True)
    withdraw(client, told["before"]["id"])
    assert today() == (None, "none")


def test_what_was_measured_once_stands_in_the_ledger_once(anna):
    measured(90, 110)
    post(anna("configure"))
    measured(90, 110)
    assert LedgerEntry.objects.filter(domain="lighting").count() == 2


def test_withdrawing_needs_the_same_right_and_a_reason(anna, people, client):
    measured(90, 110)
    pk = post(anna("configure")).json()["id"]
    assert withdraw(anna("configure"), pk, reason=" ").status_code == 422
    Grant.objects.all().delete()
    assert withdraw(anna("configure", "lighting", "centre"), pk).status_code == 403
    assert withdraw(anna("configure", "energy"), pk).status_code == 403
    Grant.objects.all().delete()
    assert withdraw(anna("configure", "energy"), pk).status_code == 404
    assert Baseline.objects.get().withdrawn_at is None


def test_the_figures_that_can_have_one_are_named_with_what_was_measured(anna):
    measured(90, 110)
    client = anna("view")
    assert client.get(PATH).json()["figures"] == []
    anna("configure")
    figures = {found["kpi"]: found for found in client.get(PATH).json()["figures"]}
    assert {found["domain"] for found in figures.values()} == {"lighting"}
    energy = figures["energy"]
    assert (energy["days"], energy["first"], energy["last"]) == (2, START, START + 2 * DAY)
    assert (figures["below_class"]["days"], figures["below_class"]["first"]) == (0, None)


def test_what_a_simulation_wrote_is_no_measured_baseline(anna):
    measured(90, 110, evidence=Evidence.SIMULATED)
    assert post(anna("configure")).status_code == 422


def test_others_see_the_baselines_of_their_domains_only(anna):
    measured(90, 110)
    post(anna("configure"))
    Grant.objects.all().delete()
    assert anna("view", "energy").get(PATH).json()["results"] == []


def test_the_command_stores_one_and_says_what_it_is(db):
    measured(90, 110)
    out = StringIO()
    call_command("storebaseline", "lighting", "energy", *ARGUMENTS, "--reason", "trial", stdout=out)
    assert "compared with 'before' from now on: 100 a day" in out.getvalue()
    assert AuditEntry.objects.get(action="baseline.store").reason == "trial"
    with pytest.raises(CommandError, match="has no figure"):
        call_command("storebaseline", "lighting", "beauty", *ARGUMENTS, "--reason", "trial", stdout=out)
