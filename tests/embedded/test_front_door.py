# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import httpx
import pytest

from smartcity import frontdoor


async def nothing_behind(scope, receive, send):
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def door():
    transport = httpx.ASGITransport(frontdoor.before(nothing_behind))
    return httpx.AsyncClient(transport=transport, base_url="http://city")


async def test_anybody_may_ask_for_the_time(door):
    face = json.loads((await door.get("/clock")).content)
    assert face["mode"] == "LIVE" and face["speed"] == 1.0 and face["at"] > 1_700_000_000_000


@pytest.mark.parametrize(
    ("said", "key", "kept"),
    [
        ("1764000000000", "its own", 1764000000000),
        ("1764000000000", "another", 7),
        ("1764000000000", "", 7),
        ("-5", "its own", 7),
        ("x" * 400, "its own", 7),
        ("9" * 40, "its own", 7),
    ],
)
async def test_the_citys_street_says_how_far_it_is_and_strangers_and_nonsense_are_ignored(
    door, said, key, kept, monkeypatch
):
    monkeypatch.setattr(frontdoor.follower, "at_ms", 7)
    monkeypatch.setattr(frontdoor.follower, "key", "its own")
    headers = {"X-Follower-Key": key} if key else {}
    assert (await door.get("/clock", params={"follower_at": said}, headers=headers)).status_code == 200
    assert frontdoor.follower.at_ms == kept


async def test_where_the_city_gave_no_key_nobody_holds_time_up(door, monkeypatch):
    monkeypatch.setattr(frontdoor.follower, "at_ms", 0)
    monkeypatch.setattr(frontdoor.follower, "key", "")
    await door.get("/clock", params={"follower_at": "5"}, headers={"X-Follower-Key": ""})
    assert frontdoor.follower.at_ms == 0


async def test_a_load_balancer_hears_whether_messages_are_taken_but_not_why_not(door, monkeypatch):
    assert (await door.get("/alive")).status_code == 200
    starting = await door.get("/ready")
    assert (starting.status_code, starting.text) == (503, "not ready\n")
    monkeypatch.setattr(frontdoor.readiness, "why_not", lambda: "")
    assert (await door.get("/ready")).status_code == 200
    monkeypatch.setattr(frontdoor.readiness, "why_not", lambda: "database locked by secret-host")
    answer = await door.get("/ready")
    assert answer.status_code == 503 and "secret" not in answer.text and answer.headers["Retry-After"] == "5"


async def test_without_a_pipeline_a_sender_is_told_to_wait(door):
    answer = await door.post("/ingest", content=b"[]")
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "30"


async def test_a_city_without_a_map_says_what_to_do(door, settings, tmp_path):
    settings.VAR = tmp_path
    answer = await door.get("/basemap/city.pmtiles")
    assert answer.status_code == 404 and "importcity" in answer.text


async def test_the_base_map_comes_in_ranges(door, settings, tmp_path):
    (tmp_path / "basemap").mkdir()
    (tmp_path / "basemap" / "city.pmtiles").write_bytes(b"PMTiles" + bytes(100))
    settings.VAR = tmp_path
    answer = await door.get("/basemap/city.pmtiles", headers={"Range": "bytes=0-6"})
    assert answer.status_code == 206 and answer.content == b"PMTiles"


async def test_everything_else_is_for_django(door):
    assert (await door.get("/alarms/")).status_code == 418
