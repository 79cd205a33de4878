# SPDX-License-Identifier: Apache-2.0
"""One device's socket: feeds its session, offers its messages, and stops reading when somebody must wait."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, cast

from mqtt5 import ConnAckReasonCode, DisconnectReasonCode

from smartcity.transports.messages import Certificate, RawMessage, Refusal
from smartcity.transports.mqtt import encryption
from smartcity.transports.mqtt.events import CommandsWanted, ConnectRequested, Event, State
from smartcity.transports.mqtt.session import Session

if TYPE_CHECKING:
    from smartcity.transports.mqtt.gateway import Gateway

LINGER_S = 3.0


class Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.loop = asyncio.get_running_loop()
        self.session = Session(gateway.limits, gateway.counters, self.loop.time(), self._proceed_soon)
        self.address = ""
        self.certificate: Certificate | None = None
        self._held: RawMessage | None = None
        self._reads = True
        self._peer_reads = True
        self._proceeds_soon = False
        self._timer: asyncio.TimerHandle | None = None
        self._authentication: asyncio.Task[None] | None = None
        self._expiry: asyncio.TimerHandle | None = None

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self.certificate = encryption.shown(transport.get_extra_info("ssl_object"))
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self.gateway.admit(self):
            self._watch_deadline()
        else:
            self.session.lost("too many connections")
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self.session.feed(data, now=self.loop.time(), city_ms=self.gateway.city_ms())
        self.proceed()

    def pause_writing(self) -> None:
        self._peer_reads = False
        self._update_reading()

    def resume_writing(self) -> None:
        self._peer_reads = True
        self.proceed()

    def connection_lost(self, error: Exception | None) -> None:
        self.session.lost("connection lost")
        for handle in (self._timer, self._authentication, self._expiry):
            if handle is not None:
                handle.cancel()
        self._drop_held()
        last_words = self.session.last_words(self.gateway.city_ms())
        if last_words is not None and not self.gateway.inbox.offer(last_words):
            last_words.settle(self.gateway.inbox_full)
        self.gateway.session_ended(self)
        self.gateway.forget(self)

    # what the gateway asks for

    def proceed(self) -> None:
        """Handle what has arrived until somebody must wait, then write what there is to say."""
        self._proceeds_soon = False
        self.session.start_turn()
        while self._held is None and self._peer_reads and (event := self.session.next_event()) is not None:
            self._see_to(event)
        if self.session.is_interrupted:
            self._proceed_soon()
        self.flush()

    def flush(self) -> None:
        output = self.session.take_output()
        if output and not self.transport.is_closing():
            self.transport.write(output)
        self._update_reading()
        if self.session.state is State.CLOSED and not self.transport.is_closing():
            self.gateway.session_ended(self)
            self.transport.close()
            self.loop.call_later(LINGER_S, self.transport.abort)

    # inside

    def _see_to(self, event: Event) -> None:
        if isinstance(event, RawMessage):
            if not self.gateway.inbox.offer(event):
                self._held = event
                self.gateway.inbox.when_there_is_room(self._offer_again)
        elif isinstance(event, CommandsWanted):
            self.gateway.ready(self)
        else:
            self._authentication = self.loop.create_task(self._authenticate(event))

    def _offer_again(self) -> None:
        message = self._held
        if message is None:
            return
        if not self.gateway.inbox.offer(message):
            self.gateway.inbox.when_there_is_room(self._offer_again)
            return
        self._held = None
        self.session.touch(self.loop.time())
        self.proceed()

    def _drop_held(self) -> None:
        message, self._held = self._held, None
        if message is not None:
            message.settle(self.gateway.inbox_full)

    async def _authenticate(self, request: ConnectRequested) -> None:
        answer = await self.gateway.authenticate(request, self.certificate)
        if isinstance(answer, ConnAckReasonCode):
            self.session.reject(answer, "authentication not available")
        elif isinstance(answer, Refusal):
            await self.gateway.hold_back(self.address)
            self.session.reject(ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD, "authentication failed")
        elif self.session.state is State.AUTHENTICATING:
            self.gateway.welcome(self, answer, request.client_id)
            self._watch_deadline()
            if self.certificate is not None:
                self._expiry = self.loop.call_later(self.certificate.expires_at - time.time(), self._expire)
        self.proceed()

    def _expire(self) -> None:
        self.session.end(DisconnectReasonCode.NOT_AUTHORIZED, "certificate expired")
        self.flush()

    def _proceed_soon(self) -> None:
        """Settling comes in batches: write once for all of them."""
        if not self._proceeds_soon:
            self._proceeds_soon = True
            self.loop.call_soon(self.proceed)

    def _update_reading(self) -> None:
        session = self.session
        reads = self._held is None and self._peer_reads and not (session.is_waiting or session.is_interrupted)
        if session.state is State.CLOSED or reads == self._reads or self.transport.is_closing():
            return
        self._reads = reads
        if reads:
            self.session.touch(self.loop.time())
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def _watch_deadline(self) -> None:
        """One timer per connection, set again only when it rings: packets cost nothing."""
        if self._timer is not None:
            self._timer.cancel()
        now = self.loop.time()
        if self._held is not None or (self.session.state is State.OPEN and not self._reads and self._peer_reads):
            self.session.touch(now)
        deadline = self.session.deadline
        if now >= deadline:
            self.session.expire()
            self.flush()
        else:
            longest = self.gateway.limits.connect_timeout_s
            self._timer = self.loop.call_later(max(0.05, min(deadline - now, longest)), self._watch_deadline)
