# SPDX-License-Identifier: Apache-2.0
"""What we have said to the broker and not yet been thanked for: said again on the next connection, until it expires."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil

import mqtt5
from mqtt5 import QoS

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Publication:
    """`expires_at` is an instant of the monotonic clock. `about` are the (device, id) it speaks of."""

    topic: str
    payload: bytes
    expires_at: float
    about: tuple[tuple[str, str], ...] = ()


class Postbox:
    """`receive_max` is the broker's word: never more than that many unanswered. Oldest first."""

    def __init__(self) -> None:
        self.receive_max = 0
        self.qos = QoS.AT_LEAST_ONCE
        self._waiting: deque[Publication] = deque()
        self._sent: dict[int, Publication] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    @property
    def has_room(self) -> bool:
        return len(self) < MOST

    def add(self, publication: Publication) -> None:
        self._waiting.append(publication)

    def line_is_new(self, receive_max: int) -> None:
        """What was under way is said again, as a new PUBLISH: the command's own id makes it harmless."""
        self.receive_max = min(receive_max, 0xFFFE)
        self._waiting.extendleft(reversed(self._sent.values()))
        self._sent.clear()

    def next_packets(self, now: float) -> list[mqtt5.PublishPacket]:
        packets = []
        while self._waiting and len(self._sent) < self.receive_max:
            one = self._waiting.popleft()
            if one.expires_at > now:
                packets.append(self._packet(one, now))
        return packets

    def taken(self, packet_id: int) -> Publication | None:
        return self._sent.pop(packet_id, None)

    def _packet(self, one: Publication, now: float) -> mqtt5.PublishPacket:
        expiry_s = ceil(one.expires_at - now)
        if self.qos is QoS.AT_MOST_ONCE:
            return mqtt5.PublishPacket(one.topic, one.payload, message_expiry_interval=expiry_s)
        packet_id = self._free_id()
        self._sent[packet_id] = one
        return mqtt5.PublishPacket(
            one.topic, one.payload, qos=self.qos, packet_id=packet_id, message_expiry_interval=expiry_s
        )

    def _free_id(self) -> int:
        while True:
            self._last_id = self._last_id % 0xFFFE + 1
            if self._last_id not in self._sent:
                return self._last_id
