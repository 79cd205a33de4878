# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import json

from smartcity.api.access import EVERYWHERE, NOWHERE, Scope
from smartcity.realtime.hub import Hub, Sight

LAMPS = Scope(frozenset({("lighting", "")}))


def hub() -> Hub:
    made = Hub(lambda: {"at": 1})
    made.places = {1: ("lighting", "a"), 2: ("energy", "a")}
    return made


class Browser:
    """Takes frames at once while it is quick."""

    def __init__(self):
        self.frames: list[str] = []
        self.quick = asyncio.Event()
        self.quick.set()

    async def tell(self, frame):
        await self.quick.wait()
        self.frames.append(frame)

    @property
    def last(self):
        return json.loads(self.frames[-1])


def look(h, scope=EVERYWHERE, personal=NOWHERE):
    browser = Browser()
    client = h.join(Sight(scope, personal), browser.tell)
    return browser, client


async def test_first_frame_is_a_snapshot_and_deltas_count_on_from_it():
    h = hub()
    h.values([(1, 40.0, 1000, 0)])
    browser, _ = look(h)
    h.values([(1, 50.0, 2000, 0)])
    h.tick()
    first, second = map(json.loads, browser.frames)
    assert (first["t"], first["values"]) == ("snapshot", [[1, 40.0, 1000, 0]])
    assert (second["t"], second["seq"], second["values"]) == ("delta", first["seq"] + 1, [[1, 50.0, 2000, 0]])


async def test_a_slow_client_gets_one_snapshot_instead_of_a_queue():
    h = hub()
    (slow, _), (other, _) = look(h), look(h)
    slow.quick.clear()
    for n in range(5):
        h.values([(1, float(n), n, 0)])
        h.tick()
    assert len(other.frames) == 6
    slow.quick.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [json.loads(frame)["seq"] for frame in slow.frames] == [0, 1]
    h.tick()
    assert (slow.last["t"], slow.last["seq"], slow.last["values"]) == ("snapshot", 6, [[1, 4.0, 4, 0]])
    h.tick()
    assert (slow.last["t"], slow.last["seq"]) == ("delta", 7)


async def test_who_has_gone_costs_the_others_nothing():
    h = hub()

    async def gone(frame):
        raise ConnectionResetError

    async def goes_later(frame):
        await asyncio.sleep(0)
        raise ConnectionResetError

    h.join(Sight(EVERYWHERE), gone), h.join(Sight(EVERYWHERE), goes_later)
    browser, _ = look(h)
    for _ in range(3):
        h.tick()
        await asyncio.sleep(0.01)
    assert len(browser.frames) == 4


async def test_nobody_sees_a_domain_outside_their_rights():
    h = hub()
    h.values([(1, 1.0, 1, 0), (2, 2.0, 1, 0), (3, 3.0, 1, 0)])
    h.tell("alarms", [{"id": 7, "domain": "energy", "zone": "a"}], standing=True)
    h.kpis({"energy": {"value": 1}, "lighting": {"value": 2}})
    seen = look(h, LAMPS)[0].last
    assert seen["values"] == [[1, 1.0, 1, 0]]
    assert "alarms" not in seen
    assert list(seen["kpis"]) == ["lighting"]


async def test_a_standing_alarm_leaves_the_snapshot_when_it_is_gone():
    h = hub()
    h.tell("alarms", [{"id": 7, "domain": "energy", "zone": "a"}], standing=True)
    assert look(h)[0].last["alarms"]
    h.tell("alarms", [{"id": 7, "domain": "energy", "zone": "a", "gone": True}], standing=True)
    h.tick()
    assert "alarms" not in look(h)[0].last


async def test_an_older_reading_never_replaces_a_newer_one():
    h = hub()
    h.values([(1, 5.0, 2000, 0), (1, 4.0, 1000, 0)])
    assert look(h)[0].last["values"] == [[1, 5.0, 2000, 0]]


async def test_equal_rights_share_one_encoding():
    h = hub()
    (a, _), (b, _) = look(h), look(h)
    h.tick()
    assert len(a.frames) == 2
    assert [x is y for x, y in zip(a.frames, b.frames, strict=True)] == [True, True]


async def test_who_asks_again_hears_everything_at_once():
    h = hub()
    browser, client = look(h)
    h.tick()
    h.resync(client)
    assert [json.loads(frame)["t"] for frame in browser.frames] == ["snapshot", "delta", "snapshot"]


async def test_personal_data_are_for_those_with_a_grant_for_them():
    h = hub()
    h.personal = frozenset({1})
    (views, _), (lamps, _) = look(h), look(h, LAMPS)
    (may, _), (all_of_it, _) = look(h, EVERYWHERE, LAMPS), look(h, EVERYWHERE, EVERYWHERE)
    h.values([(1, 24.9, 1000, 0), (2, 7.0, 1000, 0), (99, 1.0, 1000, 0)])
    h.tick()
    seen = {name: sorted(row[0] for row in b.last.get("values", ())) for name, b in
            {"views": views, "lamps": lamps, "may": may, "all": all_of_it}.items()}  # fmt: skip
    assert seen == {"views": [2], "lamps": [], "may": [1, 2], "all": [1, 2, 99]}  # 99: nobody knows yet what it is
    late, _ = look(h)
    assert [row[0] for row in late.last["values"]] == [2]
