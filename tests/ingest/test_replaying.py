# SPDX-License-Identifier: Apache-2.0
"""What was set aside can be seen by who may, and tried again once its reason is gone."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

from smartcity.api.models import Grant
from smartcity.devices.models import Series
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


def ask(username, **query):
    client = Client()
    client.force_login(get_user_model().objects.get(username=username))
    return client.get("/api/v1/quarantine/", query)


def people():
    users = get_user_model().objects
    users.create_superuser("root", password="x")
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
    assert shown["root"][0]["payload_base64"] == "/wA="
    assert [(row["device"], row["payload"], row["received_at"]) for row in shown["officer"]] == [("L-1", "{", NOW)]
    assert shown["other"] == []
    assert answers["guest"].status_code == 403
    filtered = (await sync_to_async(ask)("root", kind="bad payload", limit="1")).json()
    assert (len(filtered["results"]), filtered["more"]) == (1, True)
