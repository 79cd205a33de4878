# SPDX-License-Identifier: Apache-2.0
"""The demo as its own process: a lamp obeys, values arrive, loops steer what proves it, a kill loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import mqtt5
import pytest
import websockets

from smartcity import domains
from smartcity.kernel import clock
from smartcity.kernel.clock import Anchor
from smartcity.transports.mqtt.client import ConnectionRefused, DeviceClient
from tests.city import ROOT, City, alive, city, descendants
from tests.migrated import give_tables
from traffic.metrics import SOURCES

pytestmark = [pytest.mark.slow, pytest.mark.needs_sumo, pytest.mark.timeout(600)]

EVENING_MS = 1_795_622_400_000  # 25 November 2026, 18:00 in Helsinki: dark
CENTRE = SOURCES.index("centre")
DOMAINS = sorted(config.label for config in domains.installed())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Central Helsinki with its street, from its first start, of an evening; the weeks of history have own tests."""
    var = tmp_path_factory.mktemp("demo")
    shutil.copy(ROOT / "var" / "Helsinki.osm.pbf", var)
    give_tables(var)
    (var / "history-written").write_text("none, for this test")
    clock.save(Anchor(EVENING_MS, clock.wall_ms(), 1.0, 60.0, True), var / "clock.json")
    with city("--speed", "60", var=var) as running:
        yield running


@pytest.fixture(scope="module")
def anna(demo: City) -> Iterator[httpx.Client]:
    """The administrator's browser."""
    with demo.sign_in("admin", demo.password) as browser:
        yield browser


def street(demo: City, kind: str) -> list[dict[str, Any]]:
    devices = json.loads((demo.var / "street.json").read_text())["devices"]
    return [device for device in devices if device["kind"] == kind]


def eventually(claim: Callable[[], object], within_s: float) -> Any:
    """The first answer of `claim` that is not false."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := claim():
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {within_s} s")


def city_ms(demo: City) -> int:
    return int(json.loads(demo.get("/clock")[1])["at"])


def series_of(anna: httpx.Client, domain: str) -> set[int]:
    features = anna.get(f"/api/v1/map/{domain}").json()["features"]
    return {number for feature in features for number in feature["properties"]["series"].values()}


def test_an_override_reaches_a_lamp_is_applied_and_proved_by_its_power(demo, anna):
    lamp = eventually(lambda: reporting(anna), 120)
    wish = {
        "asset": lamp,
        "point": "dim_level",
        "value": 90,
        "reason": "a look at the kerb",
        "until": city_ms(demo) + 3_600_000,
    }
    answer = anna.post("/api/v1/overrides/", json=wish, headers={"Idempotency-Key": "kerb-1"})
    assert answer.status_code == 201, answer.text
    again = anna.post("/api/v1/overrides/", json=wish, headers={"Idempotency-Key": "kerb-1"})
    assert again.json()["id"] == answer.json()["id"]

    def proved() -> Any:
        rows = [row for row in commands(anna, lamp) if row["value"] == 90]
        assert len(rows) == 1 and rows[0]["state"] not in {"refused", "failed", "expired"}, rows
        return rows[0] if rows[0]["state"] == "verified" else None

    row = eventually(proved, 180)
    steps = [step["state"] for step in anna.get(f"/api/v1/commands/{row['id']}").json()["transitions"]]
    assert [step for step in steps if step in {"queued", "sent", "applied"}] == ["queued", "sent", "applied"]
    assert steps[-1] == "verified"


def commands(anna: httpx.Client, asset: str) -> list[dict[str, Any]]:
    return list(anna.get("/api/v1/commands/", params={"asset": asset}).json()["results"])


def reporting(anna: httpx.Client) -> str | None:
    """A luminaire that has reported its power and is not held by anybody."""
    for feature in anna.get("/api/v1/map/lighting").json()["features"]:
        properties = feature["properties"]
        if properties["kind"] == "luminaire":
            detail = anna.get(f"/api/v1/assets/{properties['uid']}").json()
            if any(row["metric"] == "lighting.power_w" and row["latest"] for row in detail["series"]):
                return str(properties["uid"])
            return None
    return None


async def heard_live(demo: City, anna: httpx.Client, wanted: dict[str, set[int]], within_s: float) -> set[str]:
    """The domains of which a value came after the snapshot."""
    cookies = "; ".join(f"{name}={value}" for name, value in anna.cookies.items())
    address = demo.url.replace("http", "ws") + "/live"
    found: set[str] = set()
    async with (
        websockets.connect(
            address, additional_headers={"Cookie": cookies}, origin=websockets.Origin(demo.url), max_size=None
        ) as line,
        asyncio.timeout(within_s),
    ):
        first = json.loads(await line.recv())
        assert (first["t"], first["mode"]) == ("snapshot", "SIMULATION")
        seq = first["seq"]
        while found != set(wanted):
            frame = json.loads(await line.recv())
            assert frame["seq"] == (seq := seq + 1)
            numbers = {row[0] for row in frame.get("values", ())}
            found |= {domain for domain, series in wanted.items() if series & numbers}
    return found


async def test_live_values_of_every_domain_arrive(demo, anna):
    wanted = {domain: series_of(anna, domain) for domain in DOMAINS}
    assert all(wanted.values())
    assert await heard_live(demo, anna, wanted, within_s=240) == set(DOMAINS)


@pytest.mark.parametrize("domain", ["lighting", "energy"])
def test_a_command_of_the_loop_is_proved_by_what_was_measured_then(demo, anna, domain):
    """Lamps by their power, batteries and chargers by their meters; a round of waste: test_waste_round.py."""
    rows = eventually(lambda: verified(anna, domain), 420)
    for row in rows:
        assert row["issuer"].startswith("loop:") and row["measured"] is not None, row
        assert [step["state"] for step in steps(anna, row)][-3:] == ["sent", "applied", "verified"], row


def verified(anna: httpx.Client, domain: str) -> list[dict[str, Any]]:
    """Commands the domain's loop has issued and whose promised effect was measured."""
    where = {"domain": domain, "state": "verified", "issuer": f"loop:{domain}"}
    found = anna.get("/api/v1/commands/", params=where).json()["results"]
    return [row for row in found if row["expect"]][:3]


def steps(anna: httpx.Client, row: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        step for step in anna.get(f"/api/v1/commands/{row['id']}").json()["transitions"] if step["state"] != "received"
    ]


def test_stage_requests_of_the_traffic_loop_are_confirmed_and_the_junction_reports_the_centre(demo, anna):
    """Its command is the lease; under it the proof of a request is the cabinet's answer and what it reports then."""
    junction = eventually(lambda: led_by_the_centre(anna), 240)
    lease = anna.get("/api/v1/commands/", params={"domain": "traffic", "issuer": "loop:traffic"}).json()["results"]
    assert {row["point"] for row in lease} == {"lease"} and lease[0]["state"] in {"applied", "verified"}
    assert junction


def led_by_the_centre(anna: httpx.Client) -> str | None:
    """A junction that confirmed a stage plan and says since then that the centre chooses its stages."""
    events = anna.get("/api/v1/events/", params={"limit": 500}).json()["results"]
    confirmed = {row["asset"]: row["at"] for row in reversed(events) if row["outcome"] == "confirmed"}
    for uid, since in list(confirmed.items())[:10]:
        detail = anna.get(f"/api/v1/assets/{uid}").json()
        source = next(row["latest"] for row in detail["series"] if row["metric"] == "traffic.control_source")
        if source and source["value"] == CENTRE and source["at"] >= since:
            return str(uid)
    return None


async def test_the_live_view_is_for_those_who_are_signed_in(demo):
    async with websockets.connect(demo.url.replace("http", "ws") + "/live", origin=websockets.Origin(demo.url)) as line:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await line.recv()
    assert closed.value.rcvd and closed.value.rcvd.code == 4401


@pytest.mark.parametrize("case", ["unknown device", "wrong secret", "somebody else's secret", "no secret"])
async def test_a_stranger_is_refused_at_the_gateway(demo, case):
    one, other = street(demo, "luminaire")[:2]
    uid, secret = {
        "unknown device": ("L-nobody", one["secret"]),
        "wrong secret": (one["uid"], "0" * 64),
        "somebody else's secret": (one["uid"], other["secret"]),
        "no secret": (one["uid"], ""),
    }[case]
    with pytest.raises(ConnectionRefused) as refusal:
        await DeviceClient().connect("127.0.0.1", demo.mqtt_port, uid, secret)
    assert refusal.value.code in (
        mqtt5.ConnAckReasonCode.NOT_AUTHORIZED,
        mqtt5.ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD,
    )


def test_killed_in_the_middle_it_goes_on_and_has_lost_nothing_it_acknowledged(demo, anna):
    device = street(demo, "luminaire")[-1]
    password, offspring = demo.password, descendants(demo.process.pid)
    acknowledged = asyncio.run(publish_until_killed(demo, device))
    assert len(acknowledged) > 20
    demo.process.wait(10)
    eventually(lambda: not alive(offspring), 20)
    with city("--no-twin", var=demo.var) as second, second.sign_in("admin", password) as browser:
        assert "password" not in second.said()
        detail = browser.get(f"/api/v1/assets/{device['uid']}").json()
        number = next(row["id"] for row in detail["series"] if row["metric"] == "lighting.power_w")
        span: dict[str, str | int] = {
            "from": min(acknowledged),
            "to": max(acknowledged) + 1,
            "grain": "raw",
            "limit": 20_000,
        }
        rows = browser.get(f"/api/v1/series/{number}/readings", params=span).json()["results"]
        assert set(acknowledged) <= {row[0] for row in rows}


async def publish_until_killed(demo: City, device: dict[str, Any], seconds: float = 4.0) -> list[int]:
    """Publish as fast as it is acknowledged, kill the city in the middle; the instants that were acknowledged."""
    client, acknowledged, loop = DeviceClient(), [], asyncio.get_running_loop()
    start_ms, end = city_ms(demo) - 3_600_000, loop.time() + seconds
    await client.connect("127.0.0.1", demo.mqtt_port, device["uid"], device["secret"])
    waiting: dict[asyncio.Future[Any], int] = {}
    number = 0
    while loop.time() < end:
        at = start_ms + 1_000 * number
        number += 1
        payload = json.dumps([{"n": "lighting.power_w", "v": 60.0, "t": at / 1000}]).encode()
        waiting[client.publish("up", payload)] = at
        await asyncio.sleep(0.02)
    os.kill(demo.process.pid, signal.SIGKILL)
    await asyncio.sleep(0.5)
    acknowledged = [at for future, at in waiting.items() if future.done() and future.result().is_stored]
    await client.close()
    return acknowledged
