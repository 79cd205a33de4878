# SPDX-License-Identifier: Apache-2.0
"""The socket to the broker: feeds the session, and stops reading while a message finds no room."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol, cast

from smartcity.transports.bridge.session import Arrived, Event, Session
from smartcity.transports.messages import QUOTA_EXCEEDED, Inbox, Outcome, RawMessage

PACKETS_PER_TURN = 256
NO_ROOM = Outcome.refused("connection ended before there was room", QUOTA_EXCEEDED)


class Host(Protocol):
    """Who made the connection."""

    @property
    def inbox(self) -> Inbox: ...

    def arrived(self, event: Arrived) -> Sequence[RawMessage]:
        """The messages to offer, in this order; none when the event is dealt with already."""
        ...

    def happened(self, link: Link, event: Event) -> None: ...


class Link(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, session: Session, host: Host) -> None:
        self.loop = asyncio.get_running_loop()
        self.session = session
        self.host = host
        self.lost: asyncio.Future[None] = self.loop.create_future()
        self.opened_at = self.last_heard = self.loop.time()
        self._held: deque[RawMessage] = deque()
        self._peer_reads = True
        self._reads = True
        self._proceeds_soon = False

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.last_heard = self.loop.time()
        self.session.feed(data)
        self.proceed()

    def pause_writing(self) -> None:
        self._peer_reads = False
        self._update_reading()

    def resume_writing(self) -> None:
        self._peer_reads = True
        self.proceed_soon()

    def connection_lost(self, error: Exception | None) -> None:
        self.session.lost()
        while self._held:
            self._held.popleft().settle(NO_ROOM)
        if not self.lost.done():
            self.lost.set_result(None)

    # the bridge calls these

    def proceed(self) -> None:
        """Handle what has arrived until somebody must wait, then write what there is to say."""
        self._proceeds_soon = False
        for _ in range(PACKETS_PER_TURN):
            if self._held or not self._peer_reads:
                break
            event = self.session.next_event()
            if event is None:
                break
            self._see_to(event)
        else:
            self.proceed_soon()
        self.flush()

    def proceed_soon(self) -> None:
        """Settling comes in batches: write once for all of them."""
        if not self._proceeds_soon:
            self._proceeds_soon = True
            self.loop.call_soon(self.proceed)

    def flush(self) -> None:
        output = self.session.take_output()
        if output and not self.transport.is_closing():
            self.transport.write(output)
        if self.session.is_closed:
            self.transport.close()
        else:
            self._update_reading()

    def abort(self) -> None:
        self.session.lost()
        self.transport.abort()

    # inside

    def _see_to(self, event: Event) -> None:
        if isinstance(event, Arrived):
            self._held.extend(self.host.arrived(event))
            self._offer()
        else:
            self.host.happened(self, event)

    def _offer(self) -> None:
        while self._held and self.host.inbox.offer(self._held[0]):
            self._held.popleft()
        if self._held:
            self.host.inbox.when_there_is_room(self._offer_again)

    def _offer_again(self) -> None:
        if not self._held:
            return
        self._offer()
        if not self._held:
            self.last_heard = self.loop.time()  # we were not listening: the broker cannot be blamed for its silence
            self.proceed()

    def _update_reading(self) -> None:
        reads = not self._held and self._peer_reads
        if reads == self._reads or self.transport.is_closing():
            return
        self._reads = reads
        if reads:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()
