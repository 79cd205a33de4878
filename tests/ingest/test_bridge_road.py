# SPDX-License-Identifier: Apache-2.0
"""From a real broker to the database: what was published is there once, whoever is killed; strangers are set aside."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from contextlib import asynccontextmanager

import aiomqtt
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test.utils import CaptureQueriesContext

from smartcity import declared
from smartcity.ingest import bridging
from smartcity.telemetry import quarantine, tally
from smartcity.transports.bridge.bridge import Bridge
from smartcity.transports.bridge.mapping import BadMapping, read
from tests import servers
from tests.ingest.conftest import NOW, open_road, senml
from tests.transports.bridge.samples import AT_MS, ChirpStackSays, ThingsStackSays
from tests.transports.bridge.stand import PLAIN, SOON, say, write_mapping
from tests.transports.street import until

pytestmark = [
    pytest.mark.both_engines,
    pytest.mark.needs_mosquitto,
    pytest.mark.django_db(databases=["default", "telemetry"], transaction=True),
]
FRAME = b'[{"n":"lighting.power_w","v":41.5}]'
CHIRPSTACK = 'format = "chirpstack"\n'
THINGS = 'format = "things_stack"\n'
HEARD = "2027-01-15T07:59:50+00:00"  # ten seconds before NOW
KILLS = 3


@asynccontextmanager
async def bridged(path, **options):
    """A road with a bridge at its other end."""
    async with open_road(**options) as road:
        made = Bridge(read(path), road.pipeline.inbox, city_ms=lambda: NOW, retry=SOON)
        task = asyncio.create_task(made.run())
        try:
            async with asyncio.timeout(10):
                await made.wait_connected()
            yield road, made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def mapped(tmp_path, port, source, rest="", broker=""):
    own = f'client_id = "{tmp_path.name}"\nsession_expiry_s = 5\n{broker}'
    return write_mapping(tmp_path / "bridge.toml", port, source, own, rest)


@pytest.mark.parametrize(
    ("source", "topic", "event", "name"),
    [
        (CHIRPSTACK, ChirpStackSays.topic("up"), ChirpStackSays.up(FRAME, at=HEARD), "a84041ffff180001"),
        (THINGS, ThingsStackSays.topic("up"), ThingsStackSays.up(FRAME, at=HEARD), "lamp-17"),
    ],
    ids=["ChirpStack", "The Things Stack"],
)
async def test_an_uplink_becomes_a_reading_at_the_instant_the_network_had_it(
    lamps, tmp_path, mosquitto_port, source, topic, event, name
):
    path = mapped(tmp_path, mosquitto_port, source, f'[devices]\n{name} = "L-1"\n')
    async with bridged(path) as (road, made):
        await say(mosquitto_port, (topic, event), (topic, event))
        await until(lambda: made.counters.stored == 2)
        (reading,) = await road.readings()
        assert (reading[0], *reading[2:]) == (NOW - 10_000, 41.5, 0)  # good, not estimated
        assert await road.balanced()


async def test_strangers_and_garbage_end_in_quarantine_and_not_in_a_crash(lamps, tmp_path, mosquitto_port):
    path = mapped(tmp_path, mosquitto_port, CHIRPSTACK)
    async with bridged(path) as (road, made):
        topic = ChirpStackSays.topic("up")
        await say(mosquitto_port, (topic, ChirpStackSays.up(FRAME)), (topic, b"\xff{"), (topic, b""))
        await until(lambda: made.counters.stored == 3)
        assert await road.quarantine() == [("unknown device", 0)] * 3
        kept = await road.rows("SELECT uid, transport, payload, encrypted FROM quarantine ORDER BY id")
        assert (kept[0][0], kept[0][1]) == ("a84041ffff180001", "chirpstack")
        assert quarantine.body(*kept[0][2:]) == ChirpStackSays.up(FRAME)  # whole, so that it can be tried again
        assert await road.balanced()


async def test_more_strangers_than_quarantine_holds_do_not_keep_devices_waiting(
    lamps, tmp_path, mosquitto_port, monkeypatch
):
    monkeypatch.setattr("smartcity.transports.bridge.refusals.PRESSED_PAUSE_S", 0.2)
    monkeypatch.setattr("smartcity.transports.bridge.bridge.LOOK_EVERY_S", 0.05)
    path = mapped(tmp_path, mosquitto_port, PLAIN, broker="receive_max = 20\n")
    async with bridged(path) as (road, made):
        strangers = [("sensors/X-9/up", b"%d" % n) for n in range(180)]
        await say(mosquitto_port, *strangers, ("sensors/L-1/up", senml(1.0)))
        await until(lambda: made.counters.in_flight == 0 and made.refusals.given_up == 80, within_s=20)
        assert len(await road.readings()) == 1
        assert len(await road.quarantine()) == 100


@asynccontextmanager
async def process(path, client_id="killed"):
    """The city as a process; killed at the end, never asked."""
    names = {alias: str(connections[alias].settings_dict["NAME"]) for alias in ("default", "telemetry")}
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.ingest.bridge_process", str(path), client_id, json.dumps(names),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            assert running.stdout is not None
            assert (await running.stdout.readline()) == b"ready\n"
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


def stored():
    with connections["telemetry"].cursor() as cursor:
        cursor.execute("SELECT at, series FROM reading")
        return cursor.fetchall()


class Sensor:
    """Publishes a reading a time and writes down what it said and what the broker has acknowledged."""

    def __init__(self, port, uid, base_ms):
        self.port, self.uid, self.base_ms = port, uid, base_ms
        self.said, self.acknowledged = set(), set()
        self.is_on = True

    async def talk(self):
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            while self.is_on:
                at = self.base_ms - len(self.said) * 1000
                self.said.add(at)
                await client.publish(f"sensors/{self.uid}/up", senml(1.0, at=at), qos=1)
                self.acknowledged.add(at)
                await asyncio.sleep(0.002)


async def arrived(sensors, within_s=30):
    """Until the database holds all that the broker acknowledged; it holds nothing that was not said."""
    acknowledged = {at for sensor in sensors for at in sensor.acknowledged}
    async with asyncio.timeout(within_s):
        while not acknowledged <= {at for at, _ in await sync_to_async(stored)()}:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert {at for at, _ in await sync_to_async(stored)()} <= {at for sensor in sensors for at in sensor.said}


@pytest.mark.slow
async def test_killed_again_and_again_nothing_the_broker_had_is_lost_and_nothing_is_there_twice(lamps, tmp_path):
    chance = random.Random(7)
    with servers.mosquitto("max_queued_messages 0") as port:
        path = write_mapping(tmp_path / "bridge.toml", port)
        base = time.time_ns() // 1_000_000
        sensors = [Sensor(port, "L-1", base), Sensor(port, "L-2", base - 500)]
        async with process(path):
            pass  # the broker knows us from now on
        talking = [asyncio.create_task(sensor.talk()) for sensor in sensors]
        for _ in range(KILLS):
            before = len(await sync_to_async(stored)())
            async with process(path):
                async with asyncio.timeout(30):
                    while len(await sync_to_async(stored)()) < before + 50:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                await asyncio.sleep(chance.random() * 0.3)
        for sensor in sensors:
            sensor.is_on = False
        await asyncio.gather(*talking)
        async with process(path):
            await arrived(sensors)
    rows = await sync_to_async(stored)()
    assert len(rows) == len(set(rows)) >= 50 * KILLS
    assert not tally.imbalances(await sync_to_async(tally.totals)())


async def test_two_ingesters_share_and_what_a_killed_one_had_comes_when_it_is_back(lamps, tmp_path):
    with servers.mosquitto("max_queued_messages 0") as port:
        path = write_mapping(tmp_path / "bridge.toml", port, broker='share = "city"\n')
        sensors = [Sensor(port, "L-1", time.time_ns() // 1_000_000)]
        async with process(path, "one"):
            async with process(path, "two") as other:
                talking = asyncio.create_task(sensors[0].talk())
                await asyncio.sleep(1.0)
                other.kill()
                await other.wait()
                await asyncio.sleep(0.5)
                sensors[0].is_on = False
                await talking
            await asyncio.sleep(0.5)
            async with process(path, "two"):
                await arrived(sensors)
    rows = await sync_to_async(stored)()
    assert len(rows) == len(set(rows)) >= len(sensors[0].acknowledged) > 20


def test_the_citys_own_bridge_knows_how_often_its_devices_speak(lamps, tmp_path, settings):
    from smartcity.ingest.registry import Registry
    from smartcity.transports.inbox import BoundedInbox

    registry = Registry()
    assert bridging.build(BoundedInbox(), registry, city_ms=lambda: NOW) is None
    settings.BRIDGE = str(write_mapping(tmp_path / "bridge.toml", 1883, CHIRPSTACK, rest='[devices]\na = "L-1"\n'))
    settings.CITY_TIME_ZONE = "Europe/Helsinki"
    assert bridging.build(BoundedInbox(), registry, city_ms=lambda: NOW) is not None
    asyncio.run(registry.load())
    devices = bridging._Devices(registry)
    assert devices.every_s("L-1") == declared.metrics()["lighting.power_w"].every_s and devices.every_s("nobody") == 0
    with CaptureQueriesContext(connections["telemetry"]) as asked:
        assert [devices.last_ms(uid) for uid in ("L-1", "L-2", "nobody")] == [0, 0, 0]
    assert len(asked) == 1  # for all of them, not for each
    assert bridging.time_of_day(AT_MS) == "08:12"
    write_mapping(tmp_path / "bridge.toml", 1883, CHIRPSTACK + 'codec = "milesigt"\n')
    with pytest.raises(BadMapping, match=r"no codec is called 'milesigt'; there are .*milesight_em310"):
        bridging.build(BoundedInbox(), registry, city_ms=lambda: NOW)
