# SPDX-License-Identifier: Apache-2.0
"""From what the broker delivers to what the city takes in: readings, answers to commands, descriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from smartcity.kernel.codecs import BadPayload
from smartcity.transports.bridge.counters import Counters
from smartcity.transports.bridge.directory import Address, Directory, Route
from smartcity.transports.bridge.downlinks import Downlinks
from smartcity.transports.bridge.fates import Answer
from smartcity.transports.bridge.link import NO_ROOM
from smartcity.transports.bridge.mapping import Mapping
from smartcity.transports.bridge.network import UP, Heard, write
from smartcity.transports.bridge.refusals import Refusals
from smartcity.transports.bridge.session import Arrived
from smartcity.transports.messages import Kind, Outcome, RawMessage

TRANSPORT: Final = "bridge"  # of plain sources; networks give theirs, so that who decodes knows how it is wrapped
KINDS: Final[dict[str, Kind]] = {UP: "up", "ack": "ack", "hello": "hello"}


@dataclass(frozen=True, slots=True)
class Reader:
    """Used from the event loop only."""

    mapping: Mapping
    directory: Directory
    downlinks: Downlinks
    refusals: Refusals
    counters: Counters
    city_ms: Callable[[], int]

    def read(self, event: Arrived) -> Sequence[RawMessage]:
        """What to offer to the inbox, in this order. What is nobody's is acknowledged at once, and counted."""
        if event.topic == self.mapping.broker.drops_topic:
            self.counters.broker_dropped = int(event.payload) if event.payload.isdigit() else None
            event.settle(Outcome.STORED)
            return ()
        self.counters.received += 1
        self.counters.again += event.is_again
        self.counters.without_qos += not event.packet_id
        if event.is_retained:
            return self._ignored(event, "an old value the broker has kept")
        found = self.directory.find(event.topic)
        if found is None:
            return self._ignored(event, "no source has this topic")
        route, address = found
        if address.network is None or route.event == UP:
            return self._said(event, route, address)
        try:
            told = address.network.told(route.event, event.payload)
        except BadPayload:
            return self._ignored(event, "an event that cannot be read")
        answers = self.downlinks.told(address, told) if told else ()
        return self._answered(answers, event, address) if answers else self._ignored(event, "not about a command")

    def answers(self, answers: Iterable[Answer]) -> list[RawMessage]:
        """Answers that came without a message of their own."""
        return [self._raw(one, _unheard) for one in answers]

    def _said(self, event: Arrived, route: Route, address: Address) -> list[RawMessage]:
        """What a device says itself; with an uplink come the answers that waited for one."""
        transport = route.source.format if address.network else TRANSPORT
        message = RawMessage(
            address.uid,
            KINDS[route.event],
            event.payload,
            self.city_ms(),
            transport,
            self._settle(event, address.uid),
            route.source.codec,
        )
        if route.event != UP:
            return [message]
        self._hear(address, event.payload)
        return [message, *self.answers(self.downlinks.heard(address.uid))]

    def _hear(self, address: Address, payload: bytes) -> None:
        try:
            heard = address.network.heard(payload) if address.network else Heard(None, None)
        except BadPayload:
            return  # who decodes will say so
        self.directory.heard(address, heard.at_ms or self.city_ms(), heard.on_air)

    def _answered(self, answers: Sequence[Answer], event: Arrived, address: Address) -> list[RawMessage]:
        """The event is settled with the last of them."""
        return [*self.answers(answers[:-1]), self._raw(answers[-1], self._settle(event, address.uid))]

    def _raw(self, answer: Answer, settle: Callable[[Outcome], None]) -> RawMessage:
        now_ms = self.city_ms()
        body = {"id": answer.id, "state": answer.state, "reason": answer.reason, "at": answer.at_ms or now_ms}
        return RawMessage(answer.device, "ack", write(body), now_ms, TRANSPORT, settle)

    def _ignored(self, event: Arrived, reason: str) -> Sequence[RawMessage]:
        self.counters.ignored[reason] += 1
        event.settle(Outcome.STORED)
        return ()

    def _settle(self, event: Arrived, device: str) -> Callable[[Outcome], None]:
        def settle(outcome: Outcome) -> None:
            if outcome.is_stored:
                self.counters.stored += 1
                event.settle(outcome)
                return
            self.counters.refused[outcome.reason] += 1
            is_done = outcome is NO_ROOM or not event.packet_id
            if not is_done and self.refusals.may_give_up(device, outcome, is_again=event.is_again, now=monotonic()):
                outcome = Outcome.STORED
            event.settle(outcome)

        return settle


def _unheard(outcome: Outcome) -> None:
    """Nobody waits for it: if it is lost the command goes out again."""
