# SPDX-License-Identifier: Apache-2.0
"""Commands on their way to one device: packet ids, the device's receive maximum, expiry, and what became of each.

Nothing is kept beyond the connection: the command table is the session store, so a command LOST with its connection
is sent again by whoever asked, when the device is ready again.
"""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from math import ceil

import mqtt5

MAX_PACKET_ID = 0xFFFF


class DeliveryState(enum.Enum):
    DELIVERED = "delivered"  # the device's PUBACK
    UNCONFIRMED = "unconfirmed"  # written to the socket for a device that subscribed with QoS 0
    REFUSED = "refused"
    EXPIRED = "expired"  # before it could be sent
    LOST = "lost"  # the connection ended first; the device may or may not have it


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    state: DeliveryState
    reason: str = ""


class Delivery:
    """Await it, or add a callback, to learn what became of one command. Needs a running event loop."""

    __slots__ = ("_future",)

    def __init__(self) -> None:
        self._future: asyncio.Future[DeliveryResult] = asyncio.get_running_loop().create_future()

    def __await__(self) -> Generator[object, None, DeliveryResult]:
        return asyncio.shield(self._future).__await__()

    def add_done_callback(self, call: Callable[[DeliveryResult], None]) -> None:
        self._future.add_done_callback(lambda future: call(future.result()))

    @property
    def result(self) -> DeliveryResult | None:
        return self._future.result() if self._future.done() else None

    def resolve(self, state: DeliveryState, reason: str = "") -> None:
        if not self._future.done():
            self._future.set_result(DeliveryResult(state, reason))


@dataclass(frozen=True, slots=True)
class OutgoingCommand:
    """`expires_at` is an instant of the caller's monotonic clock, in seconds."""

    payload: bytes
    expires_at: float
    delivery: Delivery


class Outbox:
    """One device's commands, oldest first, never more on the way than the device said it can take."""

    def __init__(self, topic: str, *, receive_max: int, max_packet: int, max_waiting: int) -> None:
        self.topic = topic
        self.receive_max = receive_max
        self.max_packet = max_packet
        self.max_waiting = max_waiting
        self._waiting: deque[OutgoingCommand] = deque()
        self._sent: dict[int, OutgoingCommand] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    def add(self, command: OutgoingCommand) -> None:
        if len(command.payload) + len(self.topic) + 32 > self.max_packet:
            command.delivery.resolve(DeliveryState.REFUSED, "larger than the device accepts")
        elif len(self._waiting) >= self.max_waiting:
            command.delivery.resolve(DeliveryState.REFUSED, "too many commands waiting for this device")
        else:
            self._waiting.append(command)

    def next_packets(self, now: float, qos: mqtt5.QoS) -> list[mqtt5.PublishPacket]:
        """What may be sent now, at the QoS the device subscribed with; expired ones are answered and skipped."""
        packets = []
        while self._waiting and len(self._sent) < self.receive_max:
            command = self._waiting.popleft()
            if command.expires_at <= now:
                command.delivery.resolve(DeliveryState.EXPIRED)
                continue
            packets.append(self._packet(command, now, qos))
        return packets

    def acknowledge(self, packet_id: int, code: mqtt5.PubAckReasonCode, reason: str | None) -> bool:
        """Take the device's PUBACK; False when nothing was sent under that id."""
        command = self._sent.pop(packet_id, None)
        if command is None:
            return False
        if code.value < 0x80:
            command.delivery.resolve(DeliveryState.DELIVERED)
        else:
            command.delivery.resolve(DeliveryState.REFUSED, reason or code.name.lower().replace("_", " "))
        return True

    def end(self) -> None:
        for command in (*self._sent.values(), *self._waiting):
            command.delivery.resolve(DeliveryState.LOST, "connection ended")
        self._sent.clear()
        self._waiting.clear()

    def _packet(self, command: OutgoingCommand, now: float, qos: mqtt5.QoS) -> mqtt5.PublishPacket:
        packet_id = None
        if qos is mqtt5.QoS.AT_MOST_ONCE:
            command.delivery.resolve(DeliveryState.UNCONFIRMED)
        else:
            packet_id = self._free_id()
            self._sent[packet_id] = command
        return mqtt5.PublishPacket(
            self.topic,
            command.payload,
            qos=qos,
            packet_id=packet_id,
            message_expiry_interval=ceil(command.expires_at - now),
        )

    def _free_id(self) -> int:
        """receive_max <= 65,535, so there always is one."""
        while True:
            self._last_id = self._last_id % MAX_PACKET_ID + 1
            if self._last_id not in self._sent:
                return self._last_id
