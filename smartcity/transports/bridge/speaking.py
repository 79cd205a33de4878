# SPDX-License-Identifier: Apache-2.0
"""What goes out: letters to devices, over the broker or a network's own interface, and what becomes of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Final

from mqtt5 import QoS

from smartcity.transports.bridge import api
from smartcity.transports.bridge.api import Call
from smartcity.transports.bridge.counters import Counters
from smartcity.transports.bridge.directory import Address, Directory
from smartcity.transports.bridge.downlinks import Downlinks, Said
from smartcity.transports.bridge.fates import Answer
from smartcity.transports.bridge.link import Link
from smartcity.transports.bridge.postbox import Postbox, Publication
from smartcity.transports.bridge.reading import Reader
from smartcity.transports.bridge.session import Taken
from smartcity.transports.letters import TRANSMITTED, Letter, Posted
from smartcity.transports.messages import Inbox, RawMessage

NO_MATCHING_SUBSCRIBERS: Final = 0x10
NOT_PASSED_ON: Final = "nobody at the broker listens to {}: is the network server connected?"


class Speaker:
    """Used from the event loop only. `link` is the line to the broker, None while there is none."""

    def __init__(
        self, inbox: Inbox, directory: Directory, downlinks: Downlinks, reader: Reader, counters: Counters
    ) -> None:
        self.link: Link | None = None
        self._inbox, self._directory, self._downlinks = inbox, directory, downlinks
        self._reader, self._counters = reader, counters
        self._postbox = Postbox()
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def unsent(self) -> int:
        return len(self._postbox)

    def line_is_new(self, receive_max: int) -> None:
        """Before anything is said on it."""
        self._postbox.line_is_new(receive_max)

    def go_on(self, link: Link, *, acknowledges: bool) -> None:
        """The line stands; a broker that does not acknowledge is not asked to."""
        self.link = link
        self._postbox.qos = QoS.AT_LEAST_ONCE if acknowledges else QoS.AT_MOST_ONCE
        self.say(())

    def post(self, letters: Sequence[Letter]) -> list[Posted]:
        """Hand over to the network, or to the device's own topic. What the network has already is not said again."""
        known = {letter.id: self._directory.address(letter.device) for letter in letters}
        if self.link is None or not self._postbox.has_room:
            return [Posted.AWAY for _ in letters]
        by_radio = [(one, address) for one in letters if (address := known[one.id]) and address.network]
        posted, things = self._downlinks.post(by_radio)
        for one in letters:
            address = known[one.id]
            if address is None:
                posted[one.id] = Posted.AWAY
            elif address.network is None:
                posted[one.id] = Posted.SENT
                things.append(_plainly(one, address))
        self.say(things)
        return [posted[letter.id] for letter in letters]

    def look_after(self) -> None:
        """Every now and then: what has run out is withdrawn."""
        self.say(self._downlinks.withdraw_expired())

    def say(self, things: Iterable[Said]) -> None:
        for said in things:
            if isinstance(said, Call):
                call = asyncio.create_task(self._call(said))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
            else:
                self._postbox.add(said)
        if self.link is not None:
            for packet in self._postbox.next_packets(time.monotonic()):
                self._counters.commands += 1
                self.link.session.publish(packet)
            self.link.flush()

    def taken(self, event: Taken) -> None:
        """The broker's answer: it has passed it on, or says why not."""
        publication = self._postbox.taken(event.packet_id)
        if publication is not None and event.code.value >= NO_MATCHING_SUBSCRIBERS:
            nobody = event.code.value == NO_MATCHING_SUBSCRIBERS
            self._counters.nobody_listened += nobody
            self._downlinks.lost(publication.about)
            words = NOT_PASSED_ON.format(publication.topic) if nobody else f"the broker: {event.reason or event.code}"
            self._tell(publication.about, TRANSMITTED if nobody else "refused", words)
        self.say(())

    async def _call(self, call: Call) -> None:
        self._counters.commands += 1
        try:
            await asyncio.to_thread(api.perform, call)
        except api.Refused as problem:
            self._downlinks.lost(call.about)
            self._tell(call.about, TRANSMITTED, str(problem))
        else:
            self._answer(self._downlinks.handed_over(call.key))

    def _tell(self, about: Iterable[tuple[str, str]], state: str, reason: str) -> None:
        self._answer(Answer(device, command, state, reason) for device, command in about)

    def _answer(self, answers: Iterable[Answer]) -> None:
        for message in self._reader.answers(answers):
            self._offer(message)

    def _offer(self, message: RawMessage) -> None:
        if not self._inbox.offer(message):
            self._inbox.when_there_is_room(lambda: self._offer(message))


def _plainly(letter: Letter, address: Address) -> Publication:
    topic = address.source.command_topic.replace("{device}", address.name)
    about = ((letter.device, letter.id),)
    return Publication(topic, letter.payload, time.monotonic() + letter.expires_in_s, about)
