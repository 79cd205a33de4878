# SPDX-License-Identifier: Apache-2.0
"""POST /ingest: batches of messages over HTTP, raw ASGI. A 2xx means committed, nothing less."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Container, MutableMapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol

import msgspec

from smartcity.transports import ingest_body
from smartcity.transports.allowance import Allowance
from smartcity.transports.body import LATER, Receive, Room, read
from smartcity.transports.ingest_body import Answer, Message
from smartcity.transports.messages import Authenticator, Inbox, Outcome, RawMessage, Refusal

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TRANSPORT: Final = "http"
TYPES: Final = frozenset({"application/json", "application/senml+json"})
CHALLENGE: Final = {"www-authenticate": 'Basic realm="devices", charset="UTF-8"'}
SIGN_IN: Final = "Sign in with a device's uid and secret (Basic), or with a gateway's token (Bearer)."


class Token(Protocol):
    """What a gateway's key allows."""

    @property
    def name(self) -> str: ...

    @property
    def devices(self) -> Container[str]: ...


class Doorkeeper(Authenticator, Protocol):
    def token(self, text: str) -> Token | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """`rate_s`: requests a second of each sender in the long run, after `burst` at once. `max_held`: bytes of all
    bodies together that are being received or not yet committed."""

    max_body: int = 4 * 2**20
    max_held: int = 32 * 2**20
    rate_s: float = 50.0
    burst: int = 200
    max_waiting: int = 500
    body_within_s: float = 20.0
    commit_within_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Sender:
    """`own` is the device's uid, '' for a gateway."""

    name: str
    own: str
    allowed: Container[str]


class Ingest:
    """The ASGI app. `codecs` are the names a gateway may say it has translated into; `answers` counts by status."""

    def __init__(
        self, inbox: Inbox, doorkeeper: Doorkeeper, *, city_ms: Callable[[], int],
        codecs: Container[str] = frozenset({"senml"}), limits: HttpLimits | None = None,
    ) -> None:  # fmt: skip
        self.inbox, self.doorkeeper, self.city_ms, self.codecs = inbox, doorkeeper, city_ms, codecs
        self.limits = limits or HttpLimits()
        self.answers: Counter[int] = Counter()
        self._senders = Allowance(self.limits.rate_s, self.limits.burst)
        self._strangers = Allowance(1.0, 20)
        self._waiting = 0
        self._room = Room(self.limits.max_held)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, headers, told = await self._serve(scope, receive)
            media = "application/json"
        except Answer as answer:
            status, headers, media = answer.status, answer.headers, "application/problem+json"
            told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
            told |= {"detail": answer.detail} | answer.more
        self.answers[status] += 1
        await _send(send, status, {"content-type": media, "cache-control": "no-store"} | headers, told)

    async def _serve(self, scope: Scope, receive: Receive) -> tuple[int, dict[str, str], dict[str, object]]:
        if scope["method"] != "POST":
            raise Answer(405, "Readings are sent with POST.", headers={"allow": "POST"})
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        sender = await self._admit(headers.get("authorization", ""), (scope.get("client") or ("unknown",))[0])
        _check_head(headers, self.limits.max_body)
        if self._waiting >= self.limits.max_waiting:
            raise Answer(503, "The city is catching up: send this again later.", headers=LATER)
        self._waiting += 1
        try:
            with self._room.share() as share:
                limits = self.limits
                body = await read(
                    receive, share, within_s=limits.body_within_s, max_body=limits.max_body, is_own=bool(sender.own)
                )
                messages = ingest_body.read(body, own=sender.own, allowed=sender.allowed, codecs=self.codecs)
                return ingest_body.verdict(await self._committed(messages))
        finally:
            self._waiting -= 1

    async def _admit(self, authorization: str, address: str) -> Sender:
        """Who speaks, and for which devices. A stranger who goes on asking is told to wait."""
        sender, now = await self._identify(authorization), time.monotonic()
        if sender is None:
            wait_s = self._strangers.wait_s(address, now)
            if wait_s:
                raise Answer(429, "Too many wrong keys from this address.", headers=_later(wait_s))
            raise Answer(401, SIGN_IN, headers=CHALLENGE)
        wait_s = self._senders.wait_s(sender.name, now)
        if wait_s:
            raise Answer(429, "Too many requests: put more messages into each.", headers=_later(wait_s))
        return sender

    async def _identify(self, authorization: str) -> Sender | None:
        kind, _, given = authorization.partition(" ")
        if kind.lower() == "bearer":
            token = self.doorkeeper.token(given.strip())
            return Sender(f"gateway {token.name}", "", token.devices) if token else None
        if kind.lower() != "basic":
            return None
        try:
            username, colon, password = base64.b64decode(given.strip(), validate=True).partition(b":")
            uid = username.decode()
        except (binascii.Error, ValueError):
            return None
        answer = await self.doorkeeper.authenticate(uid, password) if colon else Refusal("no secret")
        return None if isinstance(answer, Refusal) else Sender(answer.device, answer.device, {answer.device})

    async def _committed(self, messages: Sequence[Message]) -> list[Outcome]:
        """What became of each. Who is told to come again may find that all was stored: sending twice is harmless."""
        try:
            async with asyncio.timeout(self.limits.commit_within_s):
                return [await outcome for outcome in [await self._offer(message) for message in messages]]
        except TimeoutError:
            raise Answer(503, "Not stored yet: send the same again later.", headers=LATER) from None

    async def _offer(self, message: Message) -> asyncio.Future[Outcome]:
        loop = asyncio.get_running_loop()
        settled: asyncio.Future[Outcome] = loop.create_future()
        raw = RawMessage(
            message.device, "up", message.payload, self.city_ms(), TRANSPORT,
            lambda outcome: None if settled.done() else settled.set_result(outcome), message.codec,
        )  # fmt: skip
        while not self.inbox.offer(raw):
            room = asyncio.Event()
            self.inbox.when_there_is_room(room.set)
            await room.wait()
        return settled


def _check_head(headers: dict[str, str], max_body: int) -> None:
    """What can be said before the body is read."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Answer(415, "Send the body as it is, without Content-Encoding.")
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in TYPES:
        raise Answer(415, f"Content-Type must be one of {', '.join(sorted(TYPES))}.")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise Answer(400, "Content-Length is not a number.")
    if int(length) > max_body:
        raise Answer(413, f"A request has at most {max_body:,} bytes: send several.")


def _later(wait_s: float) -> dict[str, str]:
    return {"retry-after": str(max(1, round(wait_s + 0.5)))}


async def _send(send: Send, status: int, headers: dict[str, str], told: dict[str, object]) -> None:
    body = msgspec.json.encode(told)
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
