# SPDX-License-Identifier: Apache-2.0
"""What an ingester says of its doors, and what it does with the letters it is handed."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from smartcity.bus.postgres import PostgresBus
from smartcity.bus.words import Said
from smartcity.control.acks import Answer
from smartcity.control.line import Line
from smartcity.kernel.clock import wall_ms
from smartcity.processes.topics import ANSWERS, LETTERS, PRESENCE, ROLL_CALL
from smartcity.transports.bridge.bridge import Bridge
from smartcity.transports.letters import TRANSMITTED, Letter
from smartcity.transports.mqtt.gateway import Gateway

log = logging.getLogger(__name__)

OLDEST_LETTER_S: Final = 10.0


@dataclass(slots=True)
class Counters:
    letters: int = 0
    delivered: int = 0
    stale: int = 0
    outranked: int = 0
    away: int = 0
    taken_over: int = 0


class Doors:
    """Built before the bus runs; used on the event loop. `line` reaches the devices of this process."""

    def __init__(
        self,
        bus: PostgresBus,
        gateway: Gateway,
        bridge: Bridge | None,
        line: Line,
        *,
        city_ms: Callable[[], int],
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self.counters = Counters()
        self._bus, self._gateway, self._bridge, self._line = bus, gateway, bridge, line
        self._city_ms, self._now_ms = city_ms, now_ms
        self._here: dict[str, tuple[str, int]] = {}
        self._over_a_broker: dict[str, int] = {}
        self._epoch = 0
        bus.listen(LETTERS, self.on_letters)
        bus.listen(ROLL_CALL, self.on_roll_call)
        bus.listen(PRESENCE, self.on_others)
        bus.on_joined.append(self.name_all)

    # what happens at the doors

    def on_ready(self, device: str) -> None:
        """It has subscribed to its commands here."""
        client = self._gateway.client_of(device)
        self._here[device] = (client, self._now_ms())
        self._bus.say(PRESENCE, [["here", device, client, self._here[device][1]]])

    def on_gone(self, device: str) -> None:
        if self._here.pop(device, None) is not None and device not in self._over_a_broker:
            self._bus.say(PRESENCE, [["gone", device]])

    def answered(self, answers: Sequence[Answer]) -> None:
        """What devices answered is for whoever leads."""
        self._bus.say(ANSWERS, [[a.device, a.id, a.state, a.reason[:500], getattr(a, "at_ms", 0)] for a in answers])

    def beat(self) -> None:
        """Every two seconds: who came to be reachable over a broker, and how many are here."""
        self._look_at_the_broker()
        self._bus.say(PRESENCE, [["count", len(self._everybody())]])

    def name_all(self) -> None:
        items = [["here", device, client, since] for device, (client, since) in self._everybody().items()]
        self._bus.say(PRESENCE, [["all"], *items])

    def _everybody(self) -> dict[str, tuple[str, int]]:
        return {device: ("", since) for device, since in self._over_a_broker.items()} | self._here

    def _look_at_the_broker(self) -> None:
        known = self._bridge.reachable() if self._bridge else frozenset[str]()
        now = self._now_ms()
        news: list[list[Any]] = [["here", device, "", now] for device in sorted(known - self._over_a_broker.keys())]
        gone = self._over_a_broker.keys() - known
        news += [["gone", device] for device in sorted(gone) if device not in self._here]
        self._over_a_broker = {device: self._over_a_broker.get(device, now) for device in known}
        if news:
            self._bus.say(PRESENCE, news)

    # what others say

    def on_roll_call(self, said: Said) -> None:
        if self._bus.name in said.items:
            self.name_all()

    def on_others(self, said: Said) -> None:
        """A client that has come to another process since has left this one, whether its connection knows or not."""
        if said.sender == self._bus.name:
            return
        for kind, *what in said.items:
            if kind != "here" or (mine := self._here.get(str(what[0]))) is None:
                continue
            device, client, since = str(what[0]), str(what[1]), int(what[2])
            if client and mine[0] == client and mine[1] < since:
                self.counters.taken_over += self._gateway.give_up(device, client)

    def on_letters(self, said: Said) -> None:
        letters = [found for item in said.items if item[0] == self._bus.name and (found := self._letter(item))]
        if not letters:
            return
        answers: list[list[Any]] = []
        for letter, posted in zip(letters, self._line.post(letters), strict=True):
            self.counters.delivered += posted.is_sent
            self.counters.away += not posted.is_sent and not posted.refusal
            if posted.refusal:
                answers.append([letter.device, letter.id, "refused", posted.refusal, 0])
            elif posted.is_sent and (outlook := self._outlook(letter)):
                answers.append([letter.device, letter.id, TRANSMITTED, outlook, 0])
        if answers:
            self._bus.say(ANSWERS, answers)

    def _outlook(self, letter: Letter) -> str:
        now = self._city_ms()
        return self._line.outlook(letter.device, now, now + int(1000 * letter.expires_in_s))

    def _letter(self, item: Sequence[Any]) -> Letter | None:
        """None for what is too old, or from one that no longer leads."""
        _, epoch, posted_ms, device, key, point, payload, expires_in_s = item
        self.counters.letters += 1
        if epoch < self._epoch:
            self.counters.outranked += 1
            return None
        self._epoch = epoch
        age_s = max(0.0, (self._now_ms() - posted_ms) / 1000)
        if age_s > OLDEST_LETTER_S or age_s >= expires_in_s:
            self.counters.stale += 1
            return None
        try:
            return Letter(device, key, point, base64.b64decode(payload), expires_in_s - age_s)
        except (binascii.Error, TypeError) as problem:
            log.error("a letter for %s cannot be read: %s", device, problem)
            return None
