# SPDX-License-Identifier: Apache-2.0
"""What was set aside can be seen by who may, and tried again once its reason is gone."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from cryptography.fernet import Fernet
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client

from smartcity.api.models import AuditEntry, Grant
from smartcity.api.views import moment
from smartcity.devices.models import LegalHold, Series
from tests.ingest.conftest import NOW, senml

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
FAULT = "lighting.fault"


async def test_a_reading_set_aside_is_stored_once_its_metric_is_set_up(road, lamps, capsys):
    await road.say(senml(1.0, name=FAULT))
    await road.say(b"{")
    await Series.objects.acreate(device=lamps["L-1"], metric=FAULT)
    await sync_to_async(call_command)("quarantine", "--replay")
    said = capsys.readouterr().out
    assert "1 of 2 were sound and have left; 1 readings are new" in said
    assert "metric not set up: lighting.fault is not set up for L-1" in said
    assert [value for _, _, value, _ in await road.readings()] == [1.0]
    assert await road.quarantine() == [("bad payload", 0)]


async def test_a_replay_may_be_repeated_and_chosen_by_device_and_kind(road, lamps, capsys):
    await road.say(senml(1.0, name=FAULT))
    await road.say(senml(1.0, name=FAULT), uid="L-2")
    for device in ("L-1", "L-2"):
        await Series.objects.acreate(device=lamps[device], metric=FAULT)
    await sync_to_async(call_command)("quarantine", "--replay", "--device", "L-1", "--kind", "metric not set up")
    assert len(await road.quarantine()) == 1
    for _ in range(2):
        await sync_to_async(call_command)("quarantine", "--replay")
    assert (await road.quarantine(), len(await road.readings())) == ([], 2)
    assert "Nothing is in quarantine." in capsys.readouterr().out


async def test_what_a_legal_hold_is_on_is_replayed_and_stays(road, lamps, capsys):
    await road.say(senml(1.0, name=FAULT))
    made = await Series.objects.acreate(device=lamps["L-1"], metric=FAULT)
    span = {"from_at": moment(NOW - 1), "to_at": moment(NOW + 60_000)}
    await LegalHold.objects.acreate(owner="Court", reason="case", series=[made.pk], set_by="test", **span)
    await sync_to_async(call_command)("quarantine", "--replay")
    assert "1 were sound too and stay: a legal hold is on them" in capsys.readouterr().out
    assert (await road.quarantine(), len(await road.readings())) == ([("metric not set up", 1)], 1)


async def test_what_carried_personal_data_has_no_body_to_try_again(road, capsys):
    await road.say(b'[{"n":"plate","vs":"ABC-123"}]')
    await sync_to_async(call_command)("quarantine", "--replay")
    assert "1 could not be tried" in capsys.readouterr().out
    assert await road.quarantine() == [("personal data", 0)]


async def test_keys_are_changed_by_listing_the_new_one_first(road, settings, capsys):
    await road.say(b"{")
    old, new = settings.QUARANTINE_KEY, Fernet.generate_key().decode()
    settings.QUARANTINE_KEY = new
    with pytest.raises(CommandError, match="List the old key too"):
        await sync_to_async(call_command)("quarantine", "--rotate")
    settings.QUARANTINE_KEY = f"{new}\n{old}"
    await sync_to_async(call_command)("quarantine", "--rotate")
    assert "1 bodies are written with the newest key" in capsys.readouterr().out


def ask(username, path="", **query):
    client = Client()
    client.force_login(get_user_model().objects.get(username=username))
    return client.get(f"/api/v1/quarantine/{path}", query)


def people():
    users = get_user_model().objects
    users.create_superuser("root", password="x")
    reader = users.create_user("reader", password="x")
    Grant.objects.create(user=reader, action="quarantine", domain="lighting")
    for name, action, domain in (
        ("officer", "personal", "lighting"),
        ("other", "personal", "waste"),
        ("guest", "view", ""),
    ):
        Grant.objects.create(user=users.create_user(name, password="x"), action=action, domain=domain)


async def test_quarantine_is_shown_to_who_may_see_personal_data_of_that_domain(road):
    await road.say(b"{")
    await road.say(b"\xff\x00", uid="X-1")
    await sync_to_async(people)()
    answers = {name: await sync_to_async(ask)(name) for name in ("root", "officer", "other", "guest")}
    shown = {name: answer.json().get("results") for name, answer in answers.items()}
    assert [(row["device"], row["kind"]) for row in shown["root"]] == [
        ("X-1", "unknown device"),
        ("L-1", "bad payload"),
    ]
    assert [(row["device"], row["size"], row["received_at"]) for row in shown["officer"]] == [("L-1", 1, NOW)]
    assert shown["root"][0]["is_kept"] and "payload" not in shown["root"][0]
    assert shown["other"] == []
    assert answers["guest"].status_code == 403
    filtered = (await sync_to_async(ask)("root", kind="bad payload", limit="1")).json()
    assert (len(filtered["results"]), filtered["more"]) == (1, True)


async def test_a_body_is_read_with_a_permission_of_its_own_and_every_reading_is_audited(road):
    await road.say(b"{")
    await road.say(b"\xff\x00", uid="X-1")
    await road.say(b'{"plate":"ABC-123"}')
    await sync_to_async(people)()
    listed = (await sync_to_async(ask)("root")).json()["results"]
    refused, unknown, readable = (row["id"] for row in listed)
    body = await sync_to_async(ask)("reader", f"{readable}/body", reason="ticket 7")
    assert (body.status_code, body.json()["payload"]) == (200, "{")
    assert (await sync_to_async(ask)("root", f"{unknown}/body")).json()["payload_base64"] == "/wA="
    told = [(e.who, e.action, e.reason) async for e in AuditEntry.objects.order_by("pk")]
    assert told == [("reader", "read quarantined body", "ticket 7"), ("root", "read quarantined body", "")]
    assert (await sync_to_async(ask)("officer", f"{readable}/body")).status_code == 403
    assert (await sync_to_async(ask)("reader", f"{unknown}/body")).status_code == 404
    gone = await sync_to_async(ask)("root", f"{refused}/body")
    assert gone.status_code == 404 and "not kept" in gone.content.decode()
    assert not listed[0]["is_kept"] and listed[0]["size"] == 19 and len(listed[0]["digest"]) == 64
    assert await AuditEntry.objects.acount() == 2
