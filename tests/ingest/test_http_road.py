# SPDX-License-Identifier: Apache-2.0
"""From a POST to the database: the same road, the same promises."""

from __future__ import annotations

import base64
import json

import pytest

from smartcity.transports.http import Ingest
from tests.ingest.conftest import LEVEL, NOW, SECRETS, TOKEN, senml

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]


async def post(road, body, key):
    """Through the ASGI app with the road's own registry; (status, what was told)."""
    app = Ingest(road.pipeline.inbox, road.pipeline.registry, city_ms=lambda: NOW)
    headers = [(b"content-type", b"application/json"), (b"authorization", key.encode())]
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    await app({"type": "http", "method": "POST", "headers": headers, "client": ("127.0.0.1", 1)}, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


def basic(uid):
    return "Basic " + base64.b64encode(f"{uid}:{SECRETS[uid]}".encode()).decode()


async def test_a_device_posts_and_finds_its_readings_stored_when_it_hears_200(road):
    assert await post(road, senml(1.0, 2.0), basic("L-1")) == (200, {"accepted": 1})
    assert [value for _, _, value, _ in await road.readings()] == [1.0, 2.0]
    assert await road.balanced()


async def test_a_gateway_hears_which_of_its_messages_were_set_aside(road):
    good = {"device": "L-1", "payload": json.loads(senml(7.0, name=LEVEL))}
    bad = {"device": "L-1", "payload": json.loads(senml(7.0, u="lm"))}
    status, told = await post(road, json.dumps({"messages": [good, bad]}).encode(), f"Bearer {TOKEN}")
    assert (status, told["accepted"]) == (200, 2)
    assert told["quarantined"] == [{"message": 1, "reason": "lighting.power_w is in 'W', the device says 'lm'"}]
    assert len(await road.readings()) == 1


async def test_a_gateway_speaks_for_its_own_devices_only(road):
    body = json.dumps({"messages": [{"device": "L-2", "payload": json.loads(senml(1.0))}]}).encode()
    status, told = await post(road, body, f"Bearer {TOKEN}")
    assert (status, told["devices"], await road.readings()) == (403, ["L-2"], [])


async def test_a_retired_device_does_not_come_in(road):
    assert (await post(road, senml(1.0), basic("L-9")))[0] == 401


async def test_mqtt_and_http_may_say_the_same_and_it_is_stored_once(road):
    await road.say(senml(1.0))
    assert (await post(road, senml(1.0), basic("L-1")))[0] == 200
    assert len(await road.readings()) == 1
