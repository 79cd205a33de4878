# SPDX-License-Identifier: Apache-2.0
"""The CoAP door: one UDP socket, readings of devices that prove who they are, an answer after the commit.

Nothing is acknowledged before, not even that a datagram has arrived: a device that is impatient sends it again, which
is known by its bytes. The door remembers nothing of strangers and never says more to them than they said.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from aiocoap.message import Message
from aiocoap.numbers.codes import Code
from aiocoap.oscore import ContextUnavailable

from smartcity.transports.allowance import Allowance
from smartcity.transports.coap import exchanges, packet
from smartcity.transports.coap.counters import Counters
from smartcity.transports.coap.exchanges import Address, Exchange, Exchanges
from smartcity.transports.coap.numbering import Numbers
from smartcity.transports.coap.packet import Malformed, Packet
from smartcity.transports.coap.requests import Answer, codec_of, later, verdict
from smartcity.transports.coap.security import Challenged, Guard, Keys, Opened, TurnedAway
from smartcity.transports.coap.transfers import Transfers
from smartcity.transports.messages import Inbox, Outcome, RawMessage

log = logging.getLogger(__name__)

TRANSPORT: Final = "coap"
RECEIVE_BUFFER: Final = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class CoapLimits:
    """Sizes in bytes. `rate_s`: requests a second of each device in the long run, after `burst` at once; a block is
    a request. `stranger_rate_s`: how many strangers are answered a second, all together."""

    max_datagram: int = 1_500
    max_message: int = 65_536
    max_transfers: int = 8 * 2**20
    transfer_within_s: float = 60.0
    max_waiting: int = 500
    max_exchanges: int = 20_000
    rate_s: float = 50.0
    burst: int = 200
    stranger_rate_s: float = 100.0
    commit_within_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Posted:
    """One request on its way: whom it is from, and where its answer goes."""

    sent: Packet
    address: Address
    opened: Opened
    exchange: Exchange


class Door(asyncio.DatagramProtocol):
    """Used from one event loop only."""

    transport: asyncio.DatagramTransport

    def __init__(
        self, inbox: Inbox, keys: Keys, numbers: Numbers, *, city_ms: Callable[[], int],
        limits: CoapLimits | None = None,
    ) -> None:  # fmt: skip
        self.inbox, self.city_ms = inbox, city_ms
        self.limits = limits = limits or CoapLimits()
        self.counters = Counters()
        self._guard = Guard(keys, numbers)
        self._exchanges = Exchanges(limits.max_exchanges)
        self._transfers = Transfers(
            largest=limits.max_message, most=limits.max_transfers, within_s=limits.transfer_within_s
        )
        self._senders = Allowance(limits.rate_s, limits.burst)
        self._strangers = Allowance(limits.stranger_rate_s, int(2 * limits.stranger_rate_s))
        self._waiting = 0
        self._number = 0

    # for the city

    async def serve(self, host: str = "127.0.0.1", port: int = 5683) -> int:
        """Listen; returns the port, which port 0 leaves to the system."""
        self._loop = asyncio.get_running_loop()
        transport, _ = await self._loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self.transport = transport
        plug = transport.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        return int(plug.getsockname()[1])

    async def close(self) -> None:
        """Nobody is told: whoever was not answered says the same again."""
        self.transport.close()
        await asyncio.sleep(0)

    # asyncio calls this

    def datagram_received(self, data: bytes, address: Address) -> None:
        self.counters.datagrams += 1
        self.counters.bytes_in += len(data)
        try:
            self._receive(data, address)
        except Exception:
            if self._is_news("a fault of our own"):
                log.exception("a datagram of %d bytes could not be handled", len(data))

    # inside

    def _receive(self, data: bytes, address: Address) -> None:
        try:
            sent = packet.head(data) if len(data) > self.limits.max_datagram else packet.read(data)
        except Malformed as problem:
            self.counters.ignored[str(problem)] += 1
            return
        if not sent.is_request:
            self._answer_ping(sent, address)
        elif len(data) > self.limits.max_datagram:
            self.counters.ignored["datagram too large"] += 1
            self._turn_away(sent, address, Code.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._answer_request(sent, address, exchanges.key_of(address, data))

    def _answer_ping(self, sent: Packet, address: Address) -> None:
        is_ping = sent.kind == packet.CON and sent.code == packet.EMPTY
        self.counters.ignored["ping" if is_ping else "no request"] += 1
        if is_ping and not self._strangers.wait_s("", self._loop.time()):
            self._send(packet.reset(sent), address)

    def _answer_request(self, sent: Packet, address: Address, key: exchanges.Key) -> None:
        known = self._exchanges.find(key)
        if known is not None:
            self.counters.duplicates += 1
            if known.answer and sent.kind == packet.CON:
                self._send(known.answer, address)
            return
        try:
            opened = self._guard.open(sent)
        except TurnedAway as refusal:
            self.counters.auth_failures[str(refusal)] += 1
            self._turn_away(sent, address, refusal.code)
        except Challenged as challenge:
            self.counters.challenged += 1
            self._send(self._sealed(sent, challenge.answer), address)
        except (ContextUnavailable, OSError) as problem:
            if self._is_news("no number for an answer"):
                log.warning("devices cannot be challenged: %s", problem)
        else:
            self._serve(Posted(sent, address, opened, self._exchanges.open(key, self._loop.time())))

    def _turn_away(self, sent: Packet, address: Address, code: Code) -> None:
        """Four bytes and the token that was sent, to those who asked for an answer, not to too many."""
        if sent.kind == packet.CON and not self._strangers.wait_s("", self._loop.time()):
            self._send(packet.write(sent, code, 0), address)

    def _serve(self, posted: Posted) -> None:
        request, device = posted.opened.request, posted.opened.device
        try:
            self._within_allowance(device)
            codec = codec_of(request)
            payload = self._transfers.take(device, request, self._loop.time())
            self._offer(posted, payload, codec)
        except Answer as answer:
            if answer.code == Code.CONTINUE:
                self.counters.blocks += 1
            else:
                self.counters.received += 1
                self.counters.refused[answer.code.name.lower().replace("_", " ")] += 1
            self._answer(posted, answer)

    def _within_allowance(self, device: str) -> None:
        wait_s = self._senders.wait_s(device, self._loop.time())
        if wait_s:
            answer = later("too many requests: put more readings into each", wait_s)
            raise Answer(Code.TOO_MANY_REQUESTS, answer.words, **answer.options)

    def _offer(self, posted: Posted, payload: bytes, codec: str) -> None:
        """Raises Answer 5.03: a socket of all devices cannot be left unread until there is room."""
        said = partial(self._settled, posted, payload, codec)
        device = posted.opened.device
        message = RawMessage(device, "up", payload, self.city_ms(), TRANSPORT, said, codec)
        if self._waiting >= self.limits.max_waiting or not self.inbox.offer(message):
            raise later("the city is catching up")
        self._waiting += 1
        self.counters.received += 1
        posted.exchange.patience = self._loop.call_later(self.limits.commit_within_s, self._too_late, posted)

    def _settled(self, posted: Posted, payload: bytes, codec: str, outcome: Outcome) -> None:
        self._waiting -= 1
        self.counters.settled(outcome)
        if posted.exchange.patience is not None:
            posted.exchange.patience.cancel()
        if not posted.exchange.answer:
            self._answer(posted, verdict(outcome, payload, codec))

    def _too_late(self, posted: Posted) -> None:
        """Who is told to come again may find that all was stored: sending twice is harmless."""
        self._answer(posted, later("not stored yet"))

    def _answer(self, posted: Posted, answer: Answer) -> None:
        block = posted.opened.request.opt.block1
        message = answer.message()
        if block is not None:
            message.opt.block1 = block
        try:
            sealed = posted.opened.seal(message)
        except (ContextUnavailable, OSError) as problem:
            if self._is_news("no number for an answer"):
                log.warning("devices cannot be answered: %s", problem)
            return
        posted.exchange.answer = self._sealed(posted.sent, sealed)
        self._send(posted.exchange.answer, posted.address)

    def _is_news(self, fault: str) -> bool:
        """Counts it. The log hears of one in a thousand, or whoever sends datagrams could fill a disk with it."""
        self.counters.ignored[fault] += 1
        return self.counters.ignored[fault] % 1_000 == 1

    def _sealed(self, sent: Packet, outer: Message) -> bytes:
        self._number = (self._number + 1) & 0xFFFF
        return packet.write(sent, int(outer.code), self._number, outer.opt.encode(), outer.payload)

    def _send(self, data: bytes, address: Address) -> None:
        if not self.transport.is_closing():
            self.counters.bytes_out += len(data)
            self.transport.sendto(data, cast(tuple[str, int], address))
