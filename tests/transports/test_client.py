# SPDX-License-Identifier: Apache-2.0
"""The device's end: it keeps what was not acknowledged, over lost connections and refusals."""

from __future__ import annotations

import asyncio
import random

import pytest

from smartcity.transports.credentials import digest
from smartcity.transports.messages import QUOTA_EXCEEDED, Outcome
from smartcity.transports.mqtt.client import BufferFull, ConnectionRefused, DeviceClient, Retry
from smartcity.transports.mqtt.outbox import DeliveryState
from tests.transports.street import SECRETS, open_street, until

SOON = Retry(first_s=0.02, longest_s=0.05)


async def test_a_published_message_is_done_when_it_is_stored(street):
    client = await street.client()
    published = client.publish("up", b"[]")
    await until(lambda: len(street.inbox))
    assert not published.done()
    assert client.unacknowledged == 1
    assert client.oldest_unacknowledged_at <= asyncio.get_running_loop().time()
    street.inbox.take_now(1)[0].settle(Outcome.STORED)
    assert (await published).is_stored
    assert client.unacknowledged == 0
    assert client.oldest_unacknowledged_at is None
    await client.close()


async def test_a_refused_message_is_done_with_the_reason(street):
    street.run_pipeline(lambda message: Outcome.refused("too many", QUOTA_EXCEEDED))
    client = await street.client()
    answer = await client.publish("up", b"[]")
    assert (answer.is_stored, answer.reason, answer.code.name) == (False, "too many", "QUOTA_EXCEEDED")
    await client.close()


async def test_commands_arrive_and_are_acknowledged(street):
    heard: list[bytes] = []
    client = await street.client(on_command=heard.append)
    assert street.ready == ["L-1"]
    delivery = street.gateway.send_command("L-1", b"dim", message_expiry_s=5)
    assert (await delivery).state is DeliveryState.DELIVERED
    assert heard == [b"dim"]
    await client.close()


async def test_a_wrong_secret_is_told_at_once(street):
    client = DeviceClient()
    with pytest.raises(ConnectionRefused, match="bad user name or password"):
        await client.connect("127.0.0.1", street.port, "L-1", "wrong")
    with pytest.raises(OSError):
        await client.connect("127.0.0.1", 1, "L-1", "wrong")


async def test_what_was_not_acknowledged_is_said_again_in_order_after_a_lost_connection(street):
    client = await street.client(retry=SOON)
    published = [client.publish("up", bytes((n,))) for n in range(5)]
    await until(lambda: len(street.inbox) == 5)
    for message in street.inbox.take_now(2):
        message.settle(Outcome.STORED)
    await asyncio.gather(*published[:2])
    client.drop()
    await until(lambda: client.connects == 2)
    street.inbox.take_now(3)
    street.run_pipeline()
    assert all(answer.is_stored for answer in await asyncio.gather(*published))
    assert [message.payload for message in street.stored] == [b"\x02", b"\x03", b"\x04"]
    await client.close()


async def test_messages_of_an_offline_device_wait_in_a_bounded_buffer(street):
    client = DeviceClient(max_unacknowledged=2, retry=SOON)
    await client.connect("127.0.0.1", street.port, "L-1", SECRETS["L-1"], wait=False)
    published = [client.publish("up", b"1"), client.publish("up", b"2")]
    with pytest.raises(BufferFull):
        client.publish("up", b"3")
    street.run_pipeline()
    await asyncio.gather(*published)
    await client.publish("up", b"3")
    await client.close()


async def test_never_more_on_the_line_than_the_server_agreed_to():
    async with open_street(receive_max=3) as street:
        client = await street.client()
        published = [client.publish("up", b"x") for _ in range(10)]
        await asyncio.sleep(0.05)
        assert len(street.inbox) == 3
        street.run_pipeline()
        await asyncio.gather(*published)
        assert client.connects == 1
        await client.close()


async def test_a_client_outlives_its_server():
    async with open_street() as street:
        street.run_pipeline()
        client = await street.client(retry=SOON)
        await client.publish("up", b"1")
        port = street.port
        await street.gateway.close()
        await until(lambda: not client.is_connected)
        published = client.publish("up", b"2")
        await asyncio.sleep(0.1)
        await street.gateway.serve(port=port)
        assert (await published).is_stored
        await client.close()


async def test_pings_keep_a_quiet_line_open(street):
    client = await street.client(keep_alive_s=1)
    await asyncio.sleep(2.2)
    assert (client.connects, client.is_connected) == (1, True)
    await client.close()
    await until(lambda: street.gateway.counters.closed["the device left"] == 1)


def test_attempts_get_rarer_with_jitter_up_to_a_longest_wait():
    retry = Retry(first_s=1, longest_s=8)
    assert [retry.delay(n, 1.0) for n in range(5)] == [1, 2, 4, 8, 8]
    draws = random.Random(1)
    assert all(4 <= retry.delay(100, draws.random()) <= 8 for _ in range(100))


async def test_a_closed_client_cancels_what_it_could_not_deliver(street):
    client = await street.client()
    published = client.publish("up", b"x")
    await client.close()
    assert published.cancelled()
    assert not client.is_connected


async def test_a_hundred_clients_publish_at_once_and_nothing_is_lost_or_doubled():
    async with open_street() as street:
        street.run_pipeline()
        clients = [DeviceClient() for _ in range(100)]
        for number, client in enumerate(clients):
            uid = f"C-{number}"
            street.secrets.put(uid, digest("s"))
            await client.connect("127.0.0.1", street.port, uid, "s")
        answers = await asyncio.gather(*(client.publish("up", b"%d" % n) for client in clients for n in range(20)))
        assert all(answer.is_stored for answer in answers)
        assert len({(message.device, message.payload) for message in street.stored}) == len(street.stored) == 2_000
        counters = street.gateway.counters
        assert (counters.received, counters.stored, counters.in_flight) == (2_000, 2_000, 0)
        for client in clients:
            await client.close()
