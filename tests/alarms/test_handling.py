# SPDX-License-Identifier: Apache-2.0
"""Acknowledge, shelve and read over REST: who may, what is written down, what comes back by itself."""

from __future__ import annotations

import pytest

from smartcity.alarms import handling
from smartcity.alarms.handling import Contradicted, Refused
from smartcity.alarms.models import Alarm
from smartcity.api.models import AuditEntry
from smartcity.devices.models import Zone
from tests.alarms.conftest import MINUTE, NOW, acting, may

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]
HOUR = 60 * MINUTE


@pytest.fixture
def alarm(town, evaluator):
    town.meter()
    town.measures("M-1", 120)
    evaluator.sweep(NOW)
    return Alarm.objects.get()


def post(client, path, body=None):
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json")


def test_an_acknowledgement_keeps_name_time_and_note_and_is_audited(alarm, people):
    row = handling.acknowledge(alarm.pk, by=acting(people.anna), note="on my way", now_ms=NOW + 1000)
    assert (row.acknowledged_by, row.note) == ("anna", "on my way")
    entry = AuditEntry.objects.get()
    assert (entry.who, entry.address, entry.request_id) == ("anna", "192.0.2.1", "request-1")
    assert (entry.subject, entry.reason) == (f"alarm {alarm.pk}", "on my way")
    assert entry.before["acknowledged_at"] is None and entry.after["acknowledged_by"] == "anna"


def test_of_two_who_acknowledge_the_second_hears_of_the_first(alarm, people):
    handling.acknowledge(alarm.pk, by=acting(people.anna), note="", now_ms=NOW)
    with pytest.raises(Contradicted, match="anna has acknowledged"):
        handling.acknowledge(alarm.pk, by=acting(people.bert), note="", now_ms=NOW)
    assert AuditEntry.objects.count() == 1


def test_the_same_acknowledgement_again_changes_nothing(alarm, people):
    first = handling.acknowledge(alarm.pk, by=acting(people.anna), note="mine", now_ms=NOW)
    again = handling.acknowledge(alarm.pk, by=acting(people.anna), note="other", now_ms=NOW + 5000)
    assert (again.note, again.acknowledged_at) == ("mine", first.acknowledged_at)
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("until_ms", "reason", "field"),
    [
        (NOW + 8 * HOUR + 1, "works", "until"),
        (NOW, "works", "until"),
        (NOW - 1, "works", "until"),
        (NOW + HOUR, " ", "note"),
    ],
)
def test_a_shelf_has_a_reason_and_ends_within_the_shift(alarm, people, until_ms, reason, field):
    with pytest.raises(Refused) as no:
        handling.shelve(alarm.pk, by=acting(people.anna), reason=reason, until_ms=until_ms, now_ms=NOW)
    assert no.value.field == field
    assert not AuditEntry.objects.exists()


def test_a_shelved_alarm_returns_by_itself(alarm, town, people, evaluator):
    handling.shelve(alarm.pk, by=acting(people.anna), reason="works", until_ms=NOW + HOUR, now_ms=NOW + 1)
    (item,) = evaluator.sweep(NOW + 1000)
    assert item["shelved"] and item["shelved_why"] == "works"
    town.all_heard(NOW + HOUR)
    (item,) = evaluator.sweep(NOW + HOUR)
    assert not item["shelved"] and item["shelved_until"] is None


def test_a_shelf_holds_when_the_condition_goes_and_comes(alarm, town, people, evaluator):
    handling.shelve(alarm.pk, by=acting(people.anna), reason="works", until_ms=NOW + HOUR, now_ms=NOW + 1)
    for n, value in enumerate((10, 120), 1):
        town.measures("M-1", value, NOW + n * MINUTE)
        evaluator.sweep(NOW + n * MINUTE)
    row = Alarm.objects.get(cleared_at=None)
    assert row.pk != alarm.pk and row.shelved_by == "anna" and row.occurrences == 2


def test_what_is_over_cannot_be_shelved_and_what_is_not_shelved_not_unshelved(alarm, people):
    with pytest.raises(Contradicted):
        handling.unshelve(alarm.pk, by=acting(people.anna), reason="", now_ms=NOW)
    Alarm.objects.update(cleared_at=alarm.raised_at)
    with pytest.raises(Contradicted):
        handling.shelve(alarm.pk, by=acting(people.anna), reason="works", until_ms=NOW + HOUR, now_ms=NOW)


def test_the_change_a_person_makes_reaches_everybody_with_the_next_tick(alarm, people, evaluator):
    handling.acknowledge(alarm.pk, by=acting(people.anna), note="", now_ms=NOW)
    (item,) = evaluator.sweep(NOW + 1000)
    assert item["acknowledged"] and item["acknowledged_by"] == "anna" and not item["gone"]
    assert evaluator.sweep(NOW + 2000) == []


def test_rest_acknowledges_shelves_and_takes_back(alarm, client, people):
    client.force_login(may(people.anna, "view", "operate"))
    got = post(client, f"alarms/{alarm.pk}/acknowledge", {"note": "mine"}).json()
    assert (got["acknowledged_by"], got["note"]) == ("anna", "mine")
    got = post(client, f"alarms/{alarm.pk}/shelve", {"note": "works", "until": NOW + 2 * HOUR}).json()
    assert got["shelved_until"] == NOW + 2 * HOUR and got["shelved_by"] == "anna"
    assert post(client, f"alarms/{alarm.pk}/unshelve").json()["shelved_until"] is None
    problem = post(client, f"alarms/{alarm.pk}/shelve", {"note": "works", "until": NOW + 9 * HOUR})
    assert problem.status_code == 400 and "8 hours" in problem.json()["errors"]["until"]


def test_a_second_person_gets_a_conflict_in_words(alarm, client, people):
    handling.acknowledge(alarm.pk, by=acting(people.bert), note="", now_ms=NOW)
    client.force_login(may(people.anna, "operate"))
    answer = post(client, f"alarms/{alarm.pk}/acknowledge")
    assert answer.status_code == 409 and answer.json()["detail"].startswith("bert has acknowledged")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("grant", "status"),
    [
        ({"domain": "energy", "zone": "centre"}, 200),
        ({"domain": "energy"}, 200),
        ({"domain": "waste"}, 404),
        ({"zone": "harbour"}, 404),
    ],
)
def test_a_grant_for_operating_reaches_its_domain_and_zone_only(alarm, client, people, grant, status):
    client.force_login(may(people.anna, "operate", **grant))
    for action in ("acknowledge", "shelve", "unshelve"):
        body = {"note": "works", "until": NOW + 2 * HOUR}
        assert post(client, f"alarms/{alarm.pk}/{action}", body).status_code == status
    assert AuditEntry.objects.exists() == (status == 200)


def test_who_may_only_look_cannot_act_and_who_has_no_grant_sees_nothing(alarm, client, people):
    client.force_login(may(people.anna, "view"))
    assert client.get(f"/api/v1/alarms/{alarm.pk}").status_code == 200
    assert post(client, f"alarms/{alarm.pk}/acknowledge").status_code == 403
    client.force_login(people.bert)
    assert client.get("/api/v1/alarms/").status_code == 403
    assert client.get(f"/api/v1/alarms/{alarm.pk}").status_code == 403


def test_the_list_shows_what_is_within_reach_worst_first(town, evaluator, client, people):
    harbour = Zone.objects.create(code="harbour", name="Harbour")
    for uid, zone in (("M-1", town.zone), ("M-2", harbour), ("M-3", town.zone)):
        town.meter(uid, zone=zone)
        town.measures(uid, 120)
    evaluator.sweep(NOW)
    Alarm.objects.filter(asset__uid="M-3").update(severity=1)
    client.force_login(may(people.anna, "view", zone="centre"))
    assert [row["asset"] for row in client.get("/api/v1/alarms/").json()["results"]] == ["M-3", "M-1"]
    client.force_login(people.chief)
    assert len(client.get("/api/v1/alarms/", {"zone": "harbour"}).json()["results"]) == 1


def test_the_list_by_state(alarm, town, evaluator, client, people):
    client.force_login(people.chief)

    def count(state):
        return len(client.get("/api/v1/alarms/", {"state": state}).json()["results"])

    states = ("active", "unacknowledged", "shelved", "cleared")
    assert [count(s) for s in states] == [1, 1, 0, 0]
    handling.acknowledge(alarm.pk, by=acting(people.anna), note="", now_ms=NOW)
    assert [count(s) for s in states] == [1, 0, 0, 0]
    handling.shelve(alarm.pk, by=acting(people.anna), reason="works", until_ms=NOW + HOUR, now_ms=NOW)
    assert [count(s) for s in states] == [1, 0, 1, 0]
    town.measures("M-1", 10, NOW + 1000)
    evaluator.sweep(NOW + 1000)
    assert [count(s) for s in states] == [0, 0, 0, 1]
    assert client.get("/api/v1/alarms/", {"state": "nonsense"}).status_code == 400


def test_a_list_of_many_costs_the_same_queries_as_of_one(
    town, evaluator, client, people, django_assert_max_num_queries
):
    town.meters(30)
    for n in range(1, 31):
        town.measures(f"M-{n}", 120)
    evaluator.sweep(NOW)
    client.force_login(people.chief)
    with django_assert_max_num_queries(4):
        assert len(client.get("/api/v1/alarms/").json()["results"]) == 30
