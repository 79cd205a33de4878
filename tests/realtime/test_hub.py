# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

from smartcity.api.access import EVERYWHERE, Scope
from smartcity.realtime.hub import Hub

LAMPS = Scope(frozenset({("lighting", "")}))


def hub() -> Hub:
    made = Hub(lambda: {"at": 1})
    made.places = {1: ("lighting", "a"), 2: ("energy", "a")}
    return made


async def frame(h, client):
    return json.loads(await client.next_frame(h))


async def test_first_frame_is_a_snapshot_and_deltas_count_on_from_it():
    h = hub()
    h.values([(1, 40.0, 1000, 0)])
    client = h.join(EVERYWHERE)
    first = await frame(h, client)
    h.values([(1, 50.0, 2000, 0)])
    h.tick()
    second = await frame(h, client)
    assert (first["t"], first["values"]) == ("snapshot", [[1, 40.0, 1000, 0]])
    assert (second["t"], second["seq"], second["values"]) == ("delta", first["seq"] + 1, [[1, 50.0, 2000, 0]])


async def test_a_slow_client_gets_one_snapshot_instead_of_a_queue():
    h = hub()
    client = h.join(EVERYWHERE)
    await frame(h, client)
    for n in range(5):
        h.values([(1, float(n), n, 0)])
        h.tick()
    caught_up = await frame(h, client)
    assert (caught_up["t"], caught_up["seq"], caught_up["values"]) == ("snapshot", 5, [[1, 4.0, 4, 0]])
    h.tick()
    assert (await frame(h, client))["seq"] == 6


async def test_nobody_sees_a_domain_outside_their_rights():
    h = hub()
    h.values([(1, 1.0, 1, 0), (2, 2.0, 1, 0), (3, 3.0, 1, 0)])
    h.tell("alarms", [{"id": 7, "domain": "energy", "zone": "a"}], standing=True)
    h.kpis({"energy": {"value": 1}, "lighting": {"value": 2}})
    seen = await frame(h, h.join(LAMPS))
    assert seen["values"] == [[1, 1.0, 1, 0]]
    assert "alarms" not in seen
    assert list(seen["kpis"]) == ["lighting"]


async def test_a_standing_alarm_leaves_the_snapshot_when_it_is_gone():
    h = hub()
    h.tell("alarms", [{"id": 7, "domain": "energy", "zone": "a"}], standing=True)
    assert (await frame(h, h.join(EVERYWHERE)))["alarms"]
    h.tell("alarms", [{"id": 7, "domain": "energy", "zone": "a", "gone": True}], standing=True)
    h.tick()
    assert "alarms" not in await frame(h, h.join(EVERYWHERE))


async def test_an_older_reading_never_replaces_a_newer_one():
    h = hub()
    h.values([(1, 5.0, 2000, 0), (1, 4.0, 1000, 0)])
    assert (await frame(h, h.join(EVERYWHERE)))["values"] == [[1, 5.0, 2000, 0]]


async def test_equal_rights_share_one_encoding():
    h = hub()
    a, b = h.join(EVERYWHERE), h.join(EVERYWHERE)
    await frame(h, a), await frame(h, b)
    h.tick()
    assert await a.next_frame(h) is await b.next_frame(h)
