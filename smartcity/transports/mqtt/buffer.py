# SPDX-License-Identifier: Apache-2.0
"""What a device has said and not yet been thanked for: bounded, oldest first, kept over connections."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

import mqtt5
from mqtt5 import PubAckReasonCode, QoS

MAX_PACKET_ID = 0xFFFF


class BufferFull(Exception):
    """As many messages as a device keeps are unacknowledged."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server's answer. Unless `is_stored` the message was refused, and repeating it will not help."""

    code: PubAckReasonCode
    reason: str

    @property
    def is_stored(self) -> bool:
        return self.code.value < PubAckReasonCode.UNSPECIFIED_ERROR.value


@dataclass(slots=True)
class Message:
    topic: str
    payload: bytes
    at: float
    acknowledged: asyncio.Future[Acknowledged]


class Buffer:
    """`receive_max` is the server's word: never more than that many on the line."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.receive_max = MAX_PACKET_ID
        self._waiting: deque[Message] = deque()
        self._sent: dict[int, Message] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    @property
    def oldest_at(self) -> float | None:
        first = next(iter(self._sent.values()), None) or (self._waiting[0] if self._waiting else None)
        return None if first is None else first.at

    def add(self, topic: str, payload: bytes, loop: asyncio.AbstractEventLoop) -> Message:
        if len(self) >= self.capacity:
            raise BufferFull(f"{self.capacity} messages are unacknowledged")
        message = Message(topic, payload, loop.time(), loop.create_future())
        self._waiting.append(message)
        return message

    def line_is_new(self) -> None:
        """What was sent over the last connection is sent again, in the order it was said.

        Not as a duplicate: to a clean session it is a new PUBLISH. The reading's own key makes it harmless.
        """
        self._waiting.extendleft(reversed(self._sent.values()))
        self._sent.clear()

    def next_packets(self) -> list[mqtt5.PublishPacket]:
        packets = []
        while self._waiting and len(self._sent) < self.receive_max:
            message = self._waiting.popleft()
            packet_id = self._free_id()
            self._sent[packet_id] = message
            packets.append(
                mqtt5.PublishPacket(message.topic, message.payload, qos=QoS.AT_LEAST_ONCE, packet_id=packet_id)
            )
        return packets

    def acknowledge(self, packet_id: int, code: PubAckReasonCode, reason: str) -> None:
        message = self._sent.pop(packet_id, None)
        if message is not None and not message.acknowledged.done():
            message.acknowledged.set_result(Acknowledged(code, reason))

    def cancel(self) -> None:
        for message in (*self._sent.values(), *self._waiting):
            message.acknowledged.cancel()
        self._sent.clear()
        self._waiting.clear()

    def _free_id(self) -> int:
        while True:
            self._last_id = self._last_id % MAX_PACKET_ID + 1
            if self._last_id not in self._sent:
                return self._last_id
