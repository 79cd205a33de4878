# SPDX-License-Identifier: Apache-2.0
"""A sleeping lamp behind ChirpStack, the whole way: asked, told when it will hear, confirmed by radio, measured."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from smartcity.control import shapes
from smartcity.control.acks import AckMessage
from smartcity.control.centre import Control
from smartcity.control.dispatch import Patience, over
from smartcity.control.models import Command, Transition
from smartcity.control.pool import Pool
from smartcity.ingest import bridging
from smartcity.kernel.clock import Anchor, clock, wall_ms
from smartcity.kernel.control import Expectation, State
from smartcity.transports.bridge.bridge import Bridge
from smartcity.transports.bridge.mapping import read
from smartcity.transports.credentials import SecretTable
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.messages import Outcome
from smartcity.transports.mqtt.gateway import Gateway
from tests.control.conftest import NOW, dim
from tests.transports.bridge.samples import APPLICATION, EUI, ChirpStackSays
from tests.transports.bridge.stand import SOON, colleague, hear, write_mapping

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_engines, pytest.mark.needs_mosquitto]
RADIO = "radio = { f_port = 2, every_s = 3600 }\n"
SOURCE = f'format = "chirpstack"\napplication = "{APPLICATION}"\n{RADIO}'
LISTED = f'[devices]\n{EUI} = "L-1"\n'


async def take_in(inbox, control):
    """What ingest does with answers."""
    while True:
        for message in await inbox.take(within_s=0.005):
            if message.kind == "ack":
                body = json.loads(message.payload)
                control.on_ack([AckMessage(message.device, body["id"], body["state"], body["reason"], body["at"])])
            message.settle(Outcome.STORED)


@asynccontextmanager
async def city(path, loop):
    """Control, the gateway nobody is connected to, and the bridge, wired as the city process wires them."""
    inbox = BoundedInbox()
    gateway = Gateway(inbox, SecretTable({}), city_ms=clock.now_ms)
    bridge = Bridge(
        read(path), inbox, city_ms=clock.now_ms, retry=SOON, time_of_day=bridging.time_of_day
    )  # fmt: skip
    patience = Patience(tick_s=0.02, sweep_s=0.1, first_retry_s=0.3)
    control = Control(over(gateway, bridge), loops={loop.name: loop}, patience=patience)
    tasks = [asyncio.create_task(work) for work in (bridge.run(), control.run(), take_in(inbox, control))]
    try:
        yield bridge
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def words():
    return [shapes.command(row)["word"] for row in Command.objects.select_related("asset", "zone")]


@pytest.fixture
def lamp(street):
    street.lamp("L-1")
    return street


@dataclass
class Patient:
    """Asks the database in a thread."""

    pool: Pool

    async def until(self, claim, within_s=10):
        async with asyncio.timeout(within_s):
            while not (found := await self.pool.run(claim)):  # noqa: ASYNC110
                await asyncio.sleep(0.03)
            return found


@pytest.fixture
async def patient():
    pool = Pool(threads=1)
    yield Patient(pool)
    await pool.close()


async def test_a_sleeping_lamp_is_told_when_it_wakes_and_proves_it(lamp, tmp_path, mosquitto_port, patient):
    clock.adopt(Anchor(NOW, wall_ms(), 1.0, 1.0, simulated=True))
    wish = dim(expect=Expectation("lighting.power_w", 20, 30, 7200), expires_in_s=7200)
    loop = replace(lamp.loop, every_s=3600, decide=lambda picture, policy: [wish])
    path = write_mapping(tmp_path / "bridge.toml", mosquitto_port, SOURCE, f'client_id = "{tmp_path.name}"\n', LISTED)
    async with city(path, loop), colleague(mosquitto_port, ["application/+/device/+/command/down"]) as network:
        topic, asked = await hear(network, within_s=10)
        due = bridging.time_of_day(-(-(clock.now_ms() + 3_600_000) // 60_000) * 60_000)
        await patient.until(lambda: words() == [f"sent, at next uplink, by {due}"])
        command = await patient.until(Command.objects.first)
        assert topic == f"application/{APPLICATION}/device/{EUI}/command/down"
        assert json.loads(asked)["id"] == str(command.pk)
        await asyncio.sleep(0.8)  # long enough for the dispatcher to repeat what is unanswered
        at = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).isoformat()
        await network.publish(ChirpStackSays.topic("txack"), ChirpStackSays.txack(str(command.pk)), qos=1)
        await patient.until(lambda: words()[0].startswith("sent, transmitted by gateway 0016c001f153a14c at "))
        await network.publish(ChirpStackSays.topic("up"), ChirpStackSays.up(b"\x19", at=at), qos=1)
        await network.publish(ChirpStackSays.topic("ack"), ChirpStackSays.ack(item=str(command.pk)), qos=1)
        await patient.until(lambda: words() == ["applied, effect not measured yet"])
        await patient.pool.run(lamp.measures, "L-1", 25.0, clock.now_ms())
        await patient.until(lambda: words() == ["effect confirmed"])
        with pytest.raises(TimeoutError):
            await hear(network, within_s=0.1)  # it was said once
    steps = await patient.until(lambda: list(Transition.objects.order_by("pk").values_list("state", flat=True)))
    assert steps == [State.QUEUED, State.SENT, State.SENT, State.APPLIED, State.VERIFIED]
