# SPDX-License-Identifier: Apache-2.0
"""Clients other people wrote, against the real server: paho and aiomqtt, MQTT 5 and 3.1.1, plain, TLS, and uvloop."""

from __future__ import annotations

import asyncio
import queue
import ssl
import subprocess
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
import pytest
import uvloop
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from smartcity.transports.messages import Outcome
from smartcity.transports.mqtt.client import DeviceClient
from smartcity.transports.mqtt.outbox import Delivery, DeliveryState
from tests.transports.street import SECRETS, open_street, until

VERSIONS = [MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311]


class Paho:
    """A paho client in its own thread; what it hears comes out of queues."""

    def __init__(self, version: MQTTProtocolVersion, uid: str = "L-1", secret: str = "") -> None:
        self.connects: queue.Queue[str] = queue.Queue()
        self.published: queue.Queue[str] = queue.Queue()
        self.subscribed: queue.Queue[list[str]] = queue.Queue()
        self.commands: queue.Queue[bytes | bytearray] = queue.Queue()
        self.disconnects: queue.Queue[str] = queue.Queue()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=uid, protocol=version)
        self.client.username_pw_set(uid, secret or SECRETS[uid])
        self.client.on_connect = lambda c, u, flags, code, properties: self.connects.put(str(code))
        self.client.on_publish = lambda c, u, mid, code, properties: self.published.put(str(code))
        self.client.on_subscribe = lambda c, u, mid, codes, properties: self.subscribed.put([str(c) for c in codes])
        self.client.on_message = lambda c, u, message: self.commands.put(message.payload)
        self.client.on_disconnect = lambda c, u, flags, code, properties: self.disconnects.put(str(code))

    async def connect(self, port: int) -> str:
        await asyncio.to_thread(self.client.connect, "127.0.0.1", port)
        self.client.loop_start()
        return await hear(self.connects)

    async def close(self) -> None:
        await asyncio.to_thread(self.client.disconnect)
        await asyncio.to_thread(self.client.loop_stop)


async def hear(answers: queue.Queue[Any], timeout_s: float = 3):
    return await asyncio.to_thread(answers.get, True, timeout_s)


@pytest.fixture(params=VERSIONS, ids=["v5", "v3.1.1"])
def version(request):
    return request.param


async def test_paho_publishes_and_takes_commands(busy_street, version):
    device = Paho(version)
    assert await device.connect(busy_street.port) == "Success"
    device.client.publish("sc/L-1/up", b"[]", qos=1)
    assert await hear(device.published) == "Success"
    device.client.subscribe("sc/L-1/cmd", qos=1)
    assert await hear(device.subscribed) == ["Granted QoS 1"]
    delivery = busy_street.gateway.send_command("L-1", b"dim", message_expiry_s=5)
    assert isinstance(delivery, Delivery)
    assert (await delivery).state is DeliveryState.DELIVERED
    assert await hear(device.commands) == b"dim"
    assert [(message.kind, message.payload) for message in busy_street.stored] == [("up", b"[]")]
    await device.close()
    await until(lambda: busy_street.gateway.counters.closed["the device left"] == 1)


async def test_paho_with_a_wrong_secret_stays_out(street, version):
    device = Paho(version, secret="wrong")
    assert await device.connect(street.port) == "Bad user name or password"
    await device.close()


async def test_paho_hears_that_wildcards_and_shares_are_refused(street, version):
    device = Paho(version)
    await device.connect(street.port)
    device.client.subscribe([("#", 1), ("sc/L-2/cmd", 1), ("sc/L-1/cmd", 0)])
    heard = await hear(device.subscribed)
    assert heard[2] == "Granted QoS 0"
    if version is MQTTProtocolVersion.MQTTv5:
        assert heard[:2] == ["Wildcard subscription not supported", "Not authorized"]
    else:
        assert heard[:2] == ["Unspecified error", "Unspecified error"]
    await device.close()


async def test_paho_publishing_for_someone_else_is_told_in_mqtt_5_and_cut_off_in_3_1_1(street, version):
    device = Paho(version)
    await device.connect(street.port)
    device.client.publish("sc/L-2/up", b"[]", qos=1)
    if version is MQTTProtocolVersion.MQTTv5:
        assert await hear(device.published) == "Not authorized"
    else:
        assert await hear(device.disconnects) == "Unspecified error"
        assert device.published.empty()
    assert len(street.inbox) == 0
    await device.close()


async def test_paho_says_again_what_was_refused_in_3_1_1_until_it_is_stored(street):
    verdicts = iter([Outcome.refused("busy")])
    street.run_pipeline(lambda message: next(verdicts, Outcome.STORED))
    device = Paho(MQTTProtocolVersion.MQTTv311)
    device.client.reconnect_delay_set(1, 1)
    await device.connect(street.port)
    device.client.publish("sc/L-1/up", b"[]", qos=1)
    assert await hear(device.disconnects) == "Unspecified error"
    assert await hear(device.published, 5) == "Success"
    await device.close()


async def test_aiomqtt_publishes_and_takes_commands(busy_street):
    async with aiomqtt.Client(
        "127.0.0.1", busy_street.port, username="L-1", password=SECRETS["L-1"], protocol=aiomqtt.ProtocolVersion.V5
    ) as device:
        await device.publish("sc/L-1/up", b"[]", qos=1)
        await device.subscribe("sc/L-1/cmd", qos=1)
        busy_street.gateway.send_command("L-1", b"dim", message_expiry_s=5)
        async for command in device.messages:
            assert command.payload == b"dim"
            break
    assert len(busy_street.stored) == 1


async def test_quality_of_service_2_is_not_granted_and_not_taken(street):
    device = Paho(MQTTProtocolVersion.MQTTv311)
    await device.connect(street.port)
    device.client.subscribe("sc/L-1/cmd", qos=2)
    assert await hear(device.subscribed) == ["Granted QoS 1"]
    device.client.publish("sc/L-1/up", b"[]", qos=2)
    await hear(device.disconnects)
    assert len(street.inbox) == 0
    await device.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


async def test_the_same_over_tls(busy_street, certificate):
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    port = await busy_street.gateway.serve(port=0, ssl=server)
    client = DeviceClient(ssl=ssl.create_default_context(cafile=str(certificate / "cert.pem")))
    await client.connect("127.0.0.1", port, "L-1", SECRETS["L-1"])
    answers = await asyncio.gather(*(client.publish("up", b"x" * 10_000) for _ in range(150)))
    assert all(answer.is_stored for answer in answers)
    await client.close()


def test_the_same_on_uvloop():
    async def scene() -> None:
        async with open_street(max_messages=20) as street:
            street.run_pipeline()
            client = await street.client(on_command=lambda payload: None)
            answers = await asyncio.gather(*(client.publish("up", b"x" * 1_000) for _ in range(500)))
            assert all(answer.is_stored for answer in answers)
            delivery = street.gateway.send_command("L-1", b"dim", message_expiry_s=5)
            assert isinstance(delivery, Delivery)
            assert (await delivery).state is DeliveryState.DELIVERED
            await client.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scene())
