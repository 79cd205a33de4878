# SPDX-License-Identifier: Apache-2.0
"""A city of several processes over real sockets, a real PostgreSQL and a real Redis."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import websockets

from benchmarks.chaos.provision import secret, uid
from smartcity.transports.mqtt.client import DeviceClient, Retry
from tests.apart import Apart

pytestmark = [pytest.mark.slow]


class Lamp:
    """A device that may be lit by day, does as it is told, and remembers what that was."""

    def __init__(self, number: int) -> None:
        self.uid = uid(number)
        self.told: list[dict[str, Any]] = []
        self.client = DeviceClient(on_command=self._on_command, retry=Retry(60, 60))

    async def arrive(self, port: int) -> None:
        await self.client.connect("127.0.0.1", port, self.uid, secret(self.uid))
        await self.client.publish("hello", json.dumps({"supply": "permanent"}).encode())

    def says(self, metric: str, value: float) -> None:
        record = {"n": metric, "v": value, "t": time.time()}
        self.client.publish("up", json.dumps([record]).encode())

    def _on_command(self, payload: bytes) -> None:
        told = json.loads(payload)
        self.told.append(told)
        body = {"id": told["id"], "state": "applied", "reason": "", "at": int(time.time() * 1000)}
        self.client.publish("ack", json.dumps(body).encode())


def ask_for_light(anna: httpx.Client, lamp: str, key: str) -> str:
    """Full light by hand; the command's id."""
    until = int(time.time() * 1000) + 600_000
    wish = {"asset": lamp, "point": "dim_level", "value": 100, "reason": "a look at the kerb", "until": until}
    answer = anna.post("/api/v1/overrides/", json=wish, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["command"]["id"])


async def eventually(found: Callable[[], Any], within_s: float = 20.0) -> Any:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if result := await asyncio.to_thread(found):
            return result
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {within_s} s")


def state_of(anna: httpx.Client, command: str) -> str:
    return str(anna.get(f"/api/v1/commands/{command}").json()["state"])


@pytest.mark.parametrize("ingester", [0, 1])
async def test_a_command_finds_the_process_that_holds_the_device(city: Apart, anna: httpx.Client, ingester: int):
    lamp = Lamp(ingester)
    await lamp.arrive(city.of("ingest")[ingester].mqtt_port)
    try:
        command = await asyncio.to_thread(ask_for_light, anna, lamp.uid, f"light-{ingester}")
        await eventually(lambda: state_of(anna, command) in ("applied", "verified"))
        assert [told["id"] for told in lamp.told if told["point"] == "dim_level"] == [command]
    finally:
        await lamp.client.close()


async def test_what_waits_is_sent_when_the_device_comes_to_whichever_process(city: Apart, anna: httpx.Client):
    lamp = Lamp(2)
    await lamp.arrive(city.of("ingest")[0].mqtt_port)
    await lamp.client.close()
    command = await asyncio.to_thread(ask_for_light, anna, lamp.uid, "light-2")
    await asyncio.sleep(1)
    assert state_of(anna, command) == "queued"
    again = Lamp(2)
    await again.arrive(city.of("ingest")[1].mqtt_port)
    try:
        await eventually(lambda: state_of(anna, command) in ("applied", "verified"))
    finally:
        await again.client.close()


async def test_a_client_that_comes_to_another_process_has_left_the_first(city: Apart, anna: httpx.Client):
    first, second = city.of("ingest")
    lamp, again = Lamp(3), Lamp(3)
    await lamp.arrive(first.mqtt_port)
    await asyncio.sleep(0.5)
    await again.arrive(second.mqtt_port)
    try:
        await eventually(lambda: doors(city, anna, 0)["taken_over"] == 1)
    finally:
        await again.client.close()
        await lamp.client.close()


def doors(city: Apart, anna: httpx.Client, number: int) -> dict[str, Any]:
    """What an ingester says of its doors, at its own HTTP port."""
    port = city.of("ingest")[number].port
    cookies = dict(anna.cookies.items())
    told: dict[str, Any] = httpx.get(f"http://127.0.0.1:{port}/api/v1/health", cookies=cookies).json()
    return dict(told["doors"])


async def test_browsers_see_what_either_ingester_took_in(city: Apart, anna: httpx.Client):
    lamps = Lamp(4), Lamp(5)
    for lamp, process in zip(lamps, city.of("ingest"), strict=True):
        await lamp.arrive(process.mqtt_port)
    cookies = "; ".join(f"{name}={value}" for name, value in anna.cookies.items())
    page, values = city.page().url, {41.5, 42.5}
    try:
        async with (
            websockets.connect(
                page.replace("http", "ws") + "/live",
                additional_headers={"Cookie": cookies},
                origin=websockets.Origin(page),
            ) as line,
            asyncio.timeout(20),
        ):
            assert json.loads(await line.recv())["t"] == "snapshot"
            for lamp, value in zip(lamps, sorted(values), strict=True):
                lamp.says("lighting.power_w", value)
            while values:
                values -= {row[1] for row in json.loads(await line.recv()).get("values", ())}
    finally:
        for lamp in lamps:
            await lamp.client.close()


async def test_the_web_process_says_how_all_processes_are_and_how_loops_run(city: Apart, anna: httpx.Client):
    told = await eventually(lambda: (h := anna.get("/api/v1/health").json()["processes"]) and len(h) >= 5 and h)
    kinds = sorted(one["kind"] for one in told.values())
    assert kinds == ["control", "control", "ingest", "ingest", "web"]
    assert sorted(bool(one["epoch"]) for one in told.values() if one["kind"] == "control") == [False, True]
    ran = await eventually(lambda: [m for m in anna.get("/api/v1/modes/").json() if m["last_run_at"]])
    assert ran


def test_processes_that_show_no_pages_say_where_pages_are(city: Apart):
    port = city.of("control")[0].port
    answer = httpx.get(f"http://127.0.0.1:{port}/")
    assert answer.status_code == 404 and "web processes" in answer.text
    assert httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200
    assert httpx.get(f"http://127.0.0.1:{port}/api/v1/health").status_code in (302, 401, 403)
    assert httpx.post(f"http://127.0.0.1:{port}/ingest", content=b"[]").status_code == 503


@pytest.mark.parametrize(
    ("kind", "said"), [("control", "leading_epoch"), ("ingest", "doors_delivered_total"), ("web", "values_in_stands")]
)
def test_each_process_tells_prometheus_of_itself(city: Apart, anna: httpx.Client, kind: str, said: str):
    door = f"http://127.0.0.1:{city.of(kind)[0].port}"
    text = httpx.get(f"{door}/api/v1/metrics", cookies=dict(anna.cookies.items())).text
    assert f"smartcity_{said} " in text and "smartcity_bus_stands 1.0" in text
    assert "smartcity_bus_not_believed_total 0.0" in text
