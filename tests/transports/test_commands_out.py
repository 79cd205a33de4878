# SPDX-License-Identifier: Apache-2.0
"""Commands on their way to devices: when they are sent, and what the sender learns."""

from __future__ import annotations

import asyncio

import mqtt5
import pytest
from mqtt5 import PubAckReasonCode, QoS

from smartcity.transports.mqtt.gateway import NotConnected
from smartcity.transports.mqtt.outbox import Delivery, DeliveryResult, DeliveryState, Outbox, OutgoingCommand
from tests.transports.street import until


async def listener(street, uid="L-1", *, max_qos=QoS.AT_LEAST_ONCE, **connect):
    device = street.device(uid, **connect)
    await device.arrive()
    device.send(mqtt5.SubscribePacket(1, [mqtt5.TopicFilter(f"sc/{uid}/cmd", max_qos=max_qos)]))
    assert isinstance(await device.hear(), mqtt5.SubAckPacket)
    return device


def send(street, payload=b"dim", uid="L-1", expiry_s=5.0) -> Delivery:
    delivery = street.gateway.send_command(uid, payload, message_expiry_s=expiry_s)
    assert isinstance(delivery, Delivery)
    return delivery


async def test_a_command_is_delivered_when_the_device_says_so(street):
    device = await listener(street)
    seen: list[DeliveryResult] = []
    delivery = send(street, b"dim")
    delivery.add_done_callback(seen.append)
    command = await device.hear()
    assert (command.topic, command.payload, command.qos) == ("sc/L-1/cmd", b"dim", QoS.AT_LEAST_ONCE)
    assert command.message_expiry_interval == 5
    assert delivery.result is None
    device.send(mqtt5.PubAckPacket(command.packet_id))
    assert (await delivery).state is DeliveryState.DELIVERED
    await asyncio.sleep(0)
    assert seen == [delivery.result]


async def test_a_device_that_is_away_or_does_not_listen_gets_nothing(street):
    assert street.gateway.send_command("L-1", b"x", message_expiry_s=5) == NotConnected("L-1")
    device = street.device()
    await device.arrive()
    assert street.gateway.send_command("L-1", b"x", message_expiry_s=5) == NotConnected("L-1")
    assert await device.hears_nothing()


async def test_a_session_that_is_being_closed_is_not_trusted_with_a_command(street):
    await listener(street)
    street.gateway.disconnect("L-1", "test")
    assert street.gateway.send_command("L-1", b"x", message_expiry_s=5) == NotConnected("L-1")


async def test_commands_reach_only_their_device_and_its_latest_listening_session(street):
    old = await listener(street, client_id="old")
    new = await listener(street, client_id="new")
    other = await listener(street, "L-2")
    send(street)
    assert (await new.hear()).payload == b"dim"
    assert await old.hears_nothing()
    assert await other.hears_nothing()
    new.leave()
    await until(lambda: street.gateway.connections == 2)
    send(street)
    assert (await old.hear()).payload == b"dim"


async def test_a_refusal_by_the_device_is_told_with_its_reason(street):
    device = await listener(street)
    delivery = send(street)
    packet_id = (await device.hear()).packet_id
    device.send(mqtt5.PubAckPacket(packet_id, reason_code=PubAckReasonCode.QUOTA_EXCEEDED))
    result = await delivery
    assert (result.state, result.reason) == (DeliveryState.REFUSED, "quota exceeded")


async def test_never_more_on_the_way_than_the_device_can_take(street):
    device = await listener(street, receive_max=2)
    deliveries = [send(street, bytes((n,))) for n in range(4)]
    first, second = await device.hear(), await device.hear()
    assert await device.hears_nothing()
    device.send(mqtt5.PubAckPacket(second.packet_id))
    assert (await device.hear()).payload == b"\x02"
    assert [delivery.result is None for delivery in deliveries] == [True, False, True, True]
    device.send(mqtt5.PubAckPacket(first.packet_id))
    assert (await device.hear()).payload == b"\x03"


async def test_a_command_is_lost_with_its_connection_and_may_be_sent_again_when_the_device_is_ready(street):
    device = await listener(street)
    sent, waiting = send(street), send(street)
    await device.hear()
    device.leave()
    assert (await sent).state is (await waiting).state is DeliveryState.LOST
    assert street.gone == ["L-1"]
    again = await listener(street)
    assert street.ready == ["L-1", "L-1"]
    send(street)
    assert (await again.hear()).payload == b"dim"


async def test_a_command_whose_time_has_passed_while_it_waited_is_never_sent(street):
    device = await listener(street, receive_max=1)
    send(street, b"first")
    late = send(street, b"late", expiry_s=0.05)
    send(street, b"third")
    first = await device.hear()
    await asyncio.sleep(0.1)
    device.send(mqtt5.PubAckPacket(first.packet_id))
    assert (await device.hear()).payload == b"third"
    assert (await late).state is DeliveryState.EXPIRED


async def test_a_command_larger_than_the_device_accepts_is_refused_here(street):
    await listener(street, max_packet_size=100)
    assert (await send(street, b"x" * 100)).state is DeliveryState.REFUSED


async def test_a_device_listening_with_qos_0_confirms_nothing(street):
    device = await listener(street, max_qos=QoS.AT_MOST_ONCE)
    assert (await send(street)).state is DeliveryState.UNCONFIRMED
    assert (await device.hear()).packet_id is None


async def test_an_acknowledgement_of_nothing_changes_nothing(street):
    device = await listener(street)
    device.send(mqtt5.PubAckPacket(99))
    delivery = send(street)
    device.send(mqtt5.PubAckPacket((await device.hear()).packet_id))
    assert (await delivery).state is DeliveryState.DELIVERED


async def test_unsubscribing_stops_the_commands(street):
    device = await listener(street)
    device.send(mqtt5.UnsubscribePacket(2, ["sc/L-1/cmd", "sc/L-1/up"]))
    answer = await device.hear()
    assert [code.name for code in answer.reason_codes] == ["SUCCESS", "NO_SUBSCRIPTION_EXISTED"]
    assert street.gateway.send_command("L-1", b"x", message_expiry_s=5) == NotConnected("L-1")


@pytest.fixture
def outbox():
    return Outbox("sc/L-1/cmd", receive_max=65_535, max_packet=1_000, max_waiting=3)


async def test_waiting_commands_are_bounded(outbox):
    outbox.receive_max = 0
    deliveries = [Delivery() for _ in range(4)]
    for delivery in deliveries:
        outbox.add(OutgoingCommand(b"", 10, delivery))
    assert [delivery.result and delivery.result.state for delivery in deliveries] == [None] * 3 + [
        DeliveryState.REFUSED
    ]


async def test_packet_ids_go_round_and_skip_those_in_use(outbox):
    def next_id() -> int | None:
        outbox.add(OutgoingCommand(b"", 10, Delivery()))
        return outbox.next_packets(0, QoS.AT_LEAST_ONCE)[0].packet_id

    assert next_id() == 1
    for expected in range(2, 65_536):
        assert next_id() == expected
        outbox.acknowledge(expected, PubAckReasonCode.SUCCESS, None)
    assert next_id() == 2


async def test_giving_up_waiting_does_not_cancel_the_delivery(street):
    device = await listener(street)
    delivery = send(street)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await delivery
    device.send(mqtt5.PubAckPacket((await device.hear()).packet_id))
    assert (await delivery).state is DeliveryState.DELIVERED
