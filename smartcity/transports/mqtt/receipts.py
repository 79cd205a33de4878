# SPDX-License-Identifier: Apache-2.0
"""Which PUBLISHes are still unanswered, so that PUBACKs leave in the order they came (MQTT 5, 4.6)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from smartcity.transports.messages import Outcome


class Ticket:
    """One unsettled message; `packet_id` is 0 for QoS 0, which is never answered."""

    __slots__ = ("_on_settled", "outcome", "packet_id")

    def __init__(self, packet_id: int, on_settled: Callable[[Ticket], None]) -> None:
        self.packet_id = packet_id
        self.outcome: Outcome | None = None
        self._on_settled = on_settled

    def settle(self, outcome: Outcome) -> None:
        if self.outcome is not None:
            raise RuntimeError("a message was settled twice")
        self.outcome = outcome
        self._on_settled(self)


class Receipts:
    def __init__(self, on_settled: Callable[[Ticket], None]) -> None:
        self._on_settled = on_settled
        self._queue: deque[Ticket] = deque()
        self._in_flight: set[int] = set()

    def __len__(self) -> int:
        return len(self._queue)

    def __contains__(self, packet_id: int) -> bool:
        return packet_id in self._in_flight

    def open(self, packet_id: int) -> Ticket:
        ticket = Ticket(packet_id, self._on_settled)
        if packet_id:
            self._queue.append(ticket)
            self._in_flight.add(packet_id)
        return ticket

    def refuse(self, packet_id: int, outcome: Outcome) -> None:
        """Queue a refusal behind the answers that must leave before it."""
        ticket = Ticket(packet_id, self._on_settled)
        ticket.outcome = outcome
        self._queue.append(ticket)

    def ready(self) -> Iterator[tuple[int, Outcome]]:
        """What may be answered now, oldest first: everything before the first unsettled message."""
        while self._queue and (outcome := self._queue[0].outcome) is not None:
            packet_id = self._queue.popleft().packet_id
            self._in_flight.discard(packet_id)
            yield packet_id, outcome
