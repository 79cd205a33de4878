# SPDX-License-Identifier: Apache-2.0
"""The whole way over a real socket: loops, dispatcher, MQTT gateway, a device, its answers and its measurements."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from smartcity.control.acks import AckMessage
from smartcity.control.centre import Control
from smartcity.control.dispatch import Patience, over
from smartcity.control.models import Command, FastEvent
from smartcity.control.pool import Pool
from smartcity.control.telling import Teller
from smartcity.kernel.clock import Anchor, clock, wall_ms
from smartcity.kernel.control import Expectation, State
from smartcity.transports.credentials import SecretTable, digest
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.messages import Outcome
from smartcity.transports.mqtt.client import DeviceClient
from smartcity.transports.mqtt.gateway import Gateway
from tests.control.conftest import NOW, dim

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_engines]

SECRET = "a" * 64


@dataclass
class Lamp:
    """A device that does as it is told, or says why not."""

    uid: str
    client: DeviceClient | None = None
    heard: list = field(default_factory=list)
    lease_until: int = 0
    level: float = 100.0
    refuses: str = ""

    async def arrive(self, port):
        self.client = DeviceClient(on_command=self.told)
        await self.client.connect("127.0.0.1", port, self.uid, SECRET)

    def told(self, payload):
        instruction = json.loads(payload)
        self.heard.append(instruction)
        self.answer(instruction["id"], *self.obey(instruction))

    def obey(self, told):
        if self.refuses:
            return "refused", self.refuses
        if told["point"] == "lease":
            self.lease_until = told["expires_at"] if told["value"] == "auto" else 0
            return "applied", ""
        if told["id"][1:].isdigit() and self.lease_until <= clock.now_ms():
            return "refused", "no lease"
        self.level = told["value"]
        return "applied", ""

    def answer(self, key, state, reason):
        body = {"id": key, "state": state, "reason": reason, "at": clock.now_ms()}
        assert self.client
        self.client.publish("ack", json.dumps(body).encode())

    def points(self):
        return [(told["point"], told["value"]) for told in self.heard]


@dataclass
class City:
    control: Control
    port: int
    told: list
    pool: Pool
    lamps: list = field(default_factory=list)

    async def eventually(self, claim, within_s=8):
        """`claim` may query: it is asked in a thread."""
        async with asyncio.timeout(within_s):
            while not await self.pool.run(claim):  # noqa: ASYNC110
                await asyncio.sleep(0.03)

    async def lamp(self, uid="L-1", **more):
        lamp = Lamp(uid, **more)
        self.lamps.append(lamp)
        await lamp.arrive(self.port)
        return lamp


@asynccontextmanager
async def city(loops):
    """Gateway, inbox and control, wired as the city process wires them."""
    inbox = BoundedInbox(max_messages=1000)
    gateway = Gateway(inbox, SecretTable({f"L-{n}": digest(SECRET) for n in range(9)}), city_ms=clock.now_ms)
    told: list[tuple[str, dict]] = []
    control = Control(
        over(gateway),
        loops={loop.name: loop for loop in loops},
        patience=Patience(tick_s=0.02, sweep_s=0.1),
    )
    gateway.on_ready = control.on_ready
    made = City(control, await gateway.serve(port=0), told, Pool(threads=1))
    teller = Teller(lambda name, items, standing=False: told.extend((name, item) for item in items), made.pool)
    works = (control.run(), teller.run(), pump(inbox, control))
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lamp in made.lamps:
            await lamp.client.close()
        await gateway.close()
        await made.pool.close()


async def pump(inbox, control):
    """What ingest does with acknowledgements."""
    while True:
        for message in await inbox.take(within_s=0.005):
            body = json.loads(message.payload)
            if message.kind == "ack":
                control.on_ack([AckMessage(message.device, body["id"], body["state"], body["reason"], body["at"])])
            message.settle(Outcome.STORED)


def run_clock(speed=10.0):
    clock.adopt(Anchor(NOW, wall_ms(), speed, speed, simulated=True))


@pytest.fixture
def arrange(street):
    street.lamp("L-1")
    street.lamp("L-2")
    return street


def by_state(**where):
    return list(Command.objects.filter(**where).values_list("state", flat=True))


async def test_from_a_loops_wish_to_its_measured_effect(arrange):
    run_clock()
    wish = dim(expect=Expectation("lighting.power_w", 20, 30, 600))
    slow = replace(arrange.loop, every_s=20, gather=lambda now_ms: None, decide=lambda picture, policy: [wish])
    async with city([slow]) as made:
        lamp = await made.lamp()
        await made.eventually(lambda: by_state() == [State.APPLIED])
        await made.pool.run(arrange.measures, "L-1", 25.0, clock.now_ms())
        await made.eventually(lambda: by_state() == [State.VERIFIED])
        assert lamp.level == 50.0
        assert made.control.loops["adaptive"].setpoints == 1
        assert made.control.oldest_undecided_s() < 1
        await asyncio.sleep(0.6)
    words = [item["word"] for name, item in made.told if name == "commands"]
    assert words[-1] == "effect confirmed"
    assert ("modes", "Adaptive") in [(name, item.get("word")) for name, item in made.told]


async def test_a_fast_loop_asks_under_a_lease_and_hears_refusals(arrange):
    run_clock()
    seen = []

    def decide(picture, policy):
        return [dim(value=float(30 + picture // 1000 % 60), expires_in_s=60), dim("L-2", value=5.0, expires_in_s=60)]

    def gather(now_ms):
        seen.append(now_ms)
        return now_ms

    fast = replace(arrange.loop, fast=True, every_s=1, most_per_min=600, gather=gather, decide=decide)
    async with city([fast]) as made:
        lamp, other = await made.lamp(), await made.lamp("L-2")
        await made.eventually(lambda: made.control.loops["adaptive"].confirmed >= 5)
        lease = await made.pool.run(Command.objects.get, asset__isnull=True)
        assert lease.state == State.VERIFIED
        assert lamp.points()[0] == ("lease", "auto") and lamp.level != 100.0
        assert other.points() == [("lease", "auto")]  # its wish broke a limit and never left the house
        lamp.refuses = "the door is open"
        await made.eventually(
            lambda: FastEvent.objects.filter(outcome="refused", note__startswith="the door is open").exists()
        )
        lamp.refuses = ""
        lamp.lease_until = 0  # it forgot
        await made.eventually(lambda: lamp.lease_until > 0)
        limits = FastEvent.objects.filter(outcome="limit", asset__uid="L-2")
        assert await made.pool.run(limits.count) == 1
    assert len(seen) > 5


async def test_a_loop_that_fails_keeps_no_other_from_running(arrange):
    run_clock()

    def broken(now_ms):
        raise RuntimeError("no such table")

    bad = replace(arrange.loop, name="bad", every_s=1, gather=broken)
    good = replace(arrange.loop, every_s=1, gather=lambda now_ms: None, decide=lambda picture, policy: [dim()])
    async with city([bad, good]) as made:
        await made.lamp()
        await made.eventually(lambda: by_state() == [State.APPLIED] and made.control.loops["bad"].failures >= 2)
        assert made.control.loops["bad"].error == "RuntimeError: no such table"
        assert made.control.loops["adaptive"].error == ""


async def test_a_device_that_was_offline_gets_its_command_when_it_subscribes(arrange):
    run_clock(speed=1.0)
    slow = replace(arrange.loop, every_s=60, decide=lambda picture, policy: [dim()])
    async with city([slow]) as made:
        await made.eventually(lambda: by_state() == [State.QUEUED])
        lamp = await made.lamp()
        await made.eventually(lambda: by_state() == [State.APPLIED])
        assert len(lamp.heard) == 1


async def test_the_second_control_centre_waits_for_the_first(arrange):
    run_clock(speed=1.0)
    slow = replace(arrange.loop, every_s=60, decide=lambda picture, policy: [dim()])
    async with city([slow]) as first:
        await first.lamp()
        await first.eventually(lambda: by_state() == [State.APPLIED])
        async with city([slow]) as second:
            await asyncio.sleep(0.5)
            assert (second.control.leader.epoch, second.control.loops["adaptive"].rounds) == (None, 0)
            assert await second.pool.run(Command.objects.count) == 1


async def test_a_slow_loop_shows_as_undecided(arrange):
    run_clock(speed=60.0)

    def slow(now_ms):
        import time

        time.sleep(0.6)

    late = replace(arrange.loop, every_s=1, gather=slow, decide=lambda picture, policy: [])
    async with city([late]) as made:
        await asyncio.sleep(0.5)
        assert made.control.oldest_undecided_s() > 0.1
        await asyncio.sleep(1.0)
        assert made.control.loops["adaptive"].skipped > 10
