# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point

from smartcity.api.models import AuditEntry, Grant
from smartcity.devices.models import Device, Zone
from waste.models import Container, StopReport, Truck

pytestmark = pytest.mark.django_db(databases=["default", "telemetry"])


@pytest.fixture
def truck():
    zones = [Zone.objects.create(code=code, name=code) for code in ("north", "south")]

    def own(model, uid, kind, zone):
        at = Point(24.9, 60.1, srid=4326)
        return model.objects.create(uid=uid, domain="waste", kind=kind, name=f"{uid} name", geom=at, zone=zone)

    lorry = own(Truck, "RT-1", "truck", zones[0])
    own(Truck, "RT-2", "truck", zones[1])
    for number in (1, 2, 3):
        own(Container, f"C-{number}", "container", zones[0])
    own(Container, "C-9", "container", zones[1])
    route = {"led_by": "centre", "next": "C-2", "left": ["C-3"], "done": ["C-1"]}
    Device.objects.create(uid="RT-1", asset=lorry, announced={"route": route})
    return lorry


def user(client, *grants):
    person = get_user_model().objects.create_user("kim", password="x")
    for action, domain, zone in grants:
        Grant.objects.create(user=person, action=action, domain=domain, zone=zone)
    client.force_login(person)
    return person


def say(client, container="C-2", outcome="done", uid="RT-1", **more):
    body = {"id": str(uuid4()), "container": container, "outcome": outcome} | more
    return client.post(f"/api/v1/waste/crew/{uid}/reports", json.dumps(body), content_type="application/json")


CREW = ("crew", "waste", "north")


def test_a_crew_sees_what_is_before_it_and_behind_it(client, truck):
    user(client, CREW)
    found = client.get("/api/v1/waste/crew/RT-1").json()
    assert [stop["uid"] for stop in found["stops"]] == ["C-2", "C-3"] and found["led_by"] == "centre"
    assert [stop["uid"] for stop in found["done"]] == ["C-1"]


def test_the_page_holds_the_round_and_no_inline_script(client, truck):
    user(client, CREW)
    page = client.get("/waste/crew/RT-1/")
    assert page.status_code == 200 and b"crew-round" in page.content and b"C-2 name" in page.content
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    assert b"onclick" not in page.content and b"style=" not in page.content


def test_the_list_names_only_trucks_within_reach(client, truck):
    user(client, CREW)
    page = client.get("/waste/crew/").content.decode()
    assert "RT-1" in page and "RT-2" not in page


@pytest.mark.parametrize("grant", [None, ("view", "", ""), ("crew", "lighting", ""), ("crew", "waste", "south")])
def test_without_a_crew_grant_for_the_truck_nothing_is_shown_or_taken(client, truck, grant):
    user(client, *([grant] if grant else []))
    assert client.get("/waste/crew/RT-1/").status_code in (403, 404)
    assert client.get("/api/v1/waste/crew/RT-1").status_code in (403, 404)
    assert say(client).status_code in (403, 404)
    assert not StopReport.objects.exists()


def test_who_is_not_signed_in_is_sent_to_sign_in(client, truck):
    assert client.get("/waste/crew/RT-1/").status_code == 302
    assert client.get("/api/v1/waste/crew/RT-1").status_code in (401, 403)


def test_a_tap_is_stored_audited_and_shown(client, truck):
    user(client, CREW)
    assert say(client, outcome="blocked", note="a van in front of it").status_code == 201
    row = StopReport.objects.get()
    assert (row.container.uid, row.outcome, row.by, row.note) == ("C-2", "blocked", "kim", "a van in front of it")
    entry = AuditEntry.objects.get(action="waste.stop.report")
    assert entry.subject == "C-2" and entry.after["outcome"] == "blocked" and entry.who == "kim"
    assert client.get("/api/v1/waste/crew/RT-1").json()["stops"][0]["said"] == "blocked"


def test_a_tap_sent_twice_counts_once(client, truck):
    user(client, CREW)
    key = str(uuid4())
    answers = [say(client, id=key).status_code for _ in range(2)]
    assert answers == [201, 200] and StopReport.objects.count() == AuditEntry.objects.count() == 1
    assert say(client, id=key, outcome="blocked").status_code == 409


def test_a_tap_that_waited_for_the_network_keeps_its_instant(client, truck):
    user(client, CREW)
    say(client, ago_s=0)
    say(client, container="C-3", ago_s=600)
    first, second = StopReport.objects.order_by("-at")
    assert 590 < (first.at - second.at).total_seconds() < 610


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"container": "C-77"}, 404),
        ({"container": "C-9"}, 404),
        ({"outcome": "eaten"}, 400),
        ({"id": "1"}, 400),
        ({"ago_s": -5}, 400),
        ({"ago_s": "NaN"}, 400),
        ({"note": "x" * 500}, 400),
    ],
)
def test_bad_input_is_a_sentence_and_changes_nothing(client, truck, body, status):
    user(client, CREW)
    answer = say(client, **body)
    assert answer.status_code == status and answer.json()["detail"]
    assert not StopReport.objects.exists()
