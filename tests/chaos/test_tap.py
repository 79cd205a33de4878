# SPDX-License-Identifier: Apache-2.0
"""A tap between a bridge and a real broker writes down what was delivered and what was acknowledged, and changes
nothing."""

from __future__ import annotations

import pytest

from benchmarks.chaos.tap import Tap
from smartcity.transports.messages import Outcome
from tests.servers import free_port
from tests.transports.bridge.stand import bridge, say, write_mapping
from tests.transports.street import until

pytestmark = pytest.mark.needs_mosquitto


async def test_delivered_is_what_the_broker_said_and_acknowledged_what_the_bridge_did(tmp_path, mosquitto_port):
    topic = "sensors/L-1/up"
    with Tap(free_port(), mosquitto_port) as tap:
        own = f'client_id = "{tmp_path.name}"\nsession_expiry_s = 5\n'
        path = write_mapping(tmp_path / "bridge.toml", tap.port, broker=own)
        async with bridge(path, verdict=lambda m: Outcome.STORED if m.payload == b"1" else None) as stand:
            await say(mosquitto_port, (topic, b"1"), (topic, b"2"))
            await until(lambda: len(stand.taken) == 2 and tap.heard.acknowledged)
            assert tap.heard.delivered == {(topic, b"1"), (topic, b"2")}
            assert tap.heard.acknowledged == {(topic, b"1")} and tap.heard.again == 0
            stand.kill()
            await until(lambda: tap.heard.again == 1)
    assert tap.heard.acknowledged == {(topic, b"1")}
