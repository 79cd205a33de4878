# SPDX-License-Identifier: Apache-2.0
"""When the store is slow nothing is dropped and nobody is acknowledged: senders wait."""

from __future__ import annotations

import asyncio
import socket

import mqtt5

from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.messages import Outcome, RawMessage
from tests.transports.street import open_street, until


def message(payload: bytes = b"") -> RawMessage:
    return RawMessage("L-1", "up", payload, 0, "test", lambda outcome: None)


async def test_an_inbox_is_full_at_its_bound_and_open_again_at_half():
    inbox, calls = BoundedInbox(max_messages=4), []
    assert [inbox.offer(message()) for _ in range(5)] == [True, True, True, True, False]
    inbox.when_there_is_room(lambda: calls.append("room"))
    inbox.take_now(1)
    assert not inbox.offer(message())
    inbox.take_now(1)
    await asyncio.sleep(0)
    assert calls == ["room"]
    assert inbox.offer(message())


async def test_an_inbox_is_bounded_in_bytes_too():
    inbox = BoundedInbox(max_bytes=100)
    assert inbox.offer(message(b"x" * 100))
    assert not inbox.offer(message())
    inbox.take_now(1)
    assert inbox.held_bytes == 0
    assert inbox.offer(message())


async def test_a_batch_waits_for_its_first_message_and_is_never_larger_than_asked():
    inbox = BoundedInbox()
    batch = asyncio.ensure_future(inbox.take(at_most=2))
    await asyncio.sleep(0)
    assert not batch.done()
    for _ in range(3):
        inbox.offer(message())
    assert len(await batch) == 2
    assert len(await inbox.take(at_most=2)) == 1


async def test_a_full_inbox_stops_the_reading_and_loses_nothing():
    async with open_street(max_messages=10, receive_max=60_000) as street:
        device = street.device()
        await device.arrive()
        for packet_id in range(1, 3_001):
            device.publish(packet_id, payload=packet_id.to_bytes(2, "big") * 500)
        await until(lambda: street.inbox.is_full)
        await asyncio.sleep(0.1)
        assert len(street.inbox) == 10
        assert street.gateway.counters.received == 11
        assert await device.hears_nothing(0.05)
        street.run_pipeline()
        assert [(await device.hear(5)).packet_id for _ in range(3_000)] == list(range(1, 3_001))
        assert [m.payload[:2] for m in street.stored] == [n.to_bytes(2, "big") for n in range(1, 3_001)]


async def test_keep_alive_does_not_run_while_the_city_is_not_listening():
    async with open_street(max_messages=1) as street:
        device = street.device(keep_alive=1)
        await device.arrive()
        device.publish(1)
        device.publish(2)
        await until(lambda: street.gateway.counters.received == 2)
        for _ in range(4):
            await asyncio.sleep(0.6)
            device.send(mqtt5.PingReqPacket())
        street.run_pipeline()
        assert (await device.hear()).packet_id == 1
        heard = [await device.hear() for _ in range(5)]
        assert sum(isinstance(packet, mqtt5.PingRespPacket) for packet in heard) == 4


async def test_one_device_waiting_does_not_stop_the_answers_to_another():
    async with open_street(max_messages=1) as street:
        first, second = street.device("L-1"), street.device("L-2")
        await first.arrive()
        await second.arrive()
        first.publish(1)
        await until(lambda: len(street.inbox) == 1)
        second.publish(1)
        await until(lambda: street.gateway.counters.received == 2)
        street.inbox.take_now(1)[0].settle(Outcome.STORED)
        assert (await first.hear()).packet_id == 1
        await until(lambda: len(street.inbox) == 1)
        assert street.inbox.take_now(1)[0].device == "L-2"


async def test_a_message_held_back_when_the_line_breaks_is_counted_as_refused():
    async with open_street(max_messages=1) as street:
        device = street.device()
        await device.arrive()
        device.publish(1)
        device.publish(2)
        await until(lambda: street.gateway.counters.received == 2)
        street.gateway.disconnect("L-1", "test")
        await until(lambda: street.gateway.connections == 0)
        counters = street.gateway.counters
        assert counters.refused.total() == 1
        assert counters.in_flight == 1
        street.inbox.take_now(1)[0].settle(Outcome.STORED)
        assert counters.in_flight == 0
        await asyncio.sleep(0.01)
        assert len(street.inbox) == 0


async def test_a_device_that_does_not_read_is_not_read_either_and_others_go_on():
    async with open_street() as street:
        street.run_pipeline()
        deaf, other = street.device("L-1"), street.device("L-2")
        await deaf.arrive()
        assert isinstance(deaf.writer.transport, asyncio.Transport)
        deaf.writer.transport.pause_reading()
        for end in (deaf.writer.transport, *(connection.transport for connection in street.gateway._connections)):
            for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, buffer, 16_384)
        await other.arrive()
        deaf.say(mqtt5.PingReqPacket().write() * 1_000_000)
        heard = -1
        while heard != (heard := street.gateway.counters.bytes_in):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        assert heard < 1_500_000
        other.publish(1)
        assert (await other.hear()).packet_id == 1
        deaf.writer.transport.abort()
