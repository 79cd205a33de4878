# SPDX-License-Identifier: Apache-2.0
"""The browser's end of the live view: one WebSocket, signed in, fed by the process's hub."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError

from smartcity.api.access import NOWHERE, Action, scopes
from smartcity.realtime.hub import Client, Hub, Sight, Tell

log = logging.getLogger(__name__)

RECHECK_S = 30.0
SIGNED_OUT, MAY_NOT, CHANGED, BUSY = 4401, 4403, 4409, 4429
MOST_CLIENTS = 5000
BLIND = Sight(NOWHERE)
PLAIN_SEND = "smartcity.plain_send"
_ask = database_sync_to_async(scopes, thread_sensitive=False)


class Live(AsyncWebsocketConsumer):
    """Closes with 4401 when nobody is signed in and 4403 when the account may view nothing."""

    hub: Hub | None = None
    count = 0
    present: ClassVar[set[Live]] = set()
    watching: ClassVar[asyncio.Task[None] | None] = None
    client: Client | None = None

    async def connect(self) -> None:
        await self.accept()
        if self.hub is None or Live.count >= MOST_CLIENTS:
            await self.close(BUSY)
            return
        if not self._user.is_authenticated:
            await self.close(SIGNED_OUT)
            return
        sight = (await _sights({self.account})).get(self.account, BLIND)
        if sight.view.is_empty:
            await self.close(MAY_NOT)
            return
        Live.count += 1
        Live.present.add(self)
        self.client = self.hub.join(sight, self._teller())
        if Live.watching is None or Live.watching.done():
            Live.watching = asyncio.create_task(_watch())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            message = json.loads(text_data or "{}")
        except ValueError:
            return
        if self.hub and self.client and isinstance(message, dict) and message.get("t") == "resync":
            self.hub.resync(self.client)

    async def disconnect(self, code: int) -> None:
        if self.hub and self.client:
            Live.count -= 1
            Live.present.discard(self)
            self.hub.leave(self.client)

    @property
    def account(self) -> int:
        pk: int = self._user.pk
        return pk

    @property
    def _user(self) -> Any:
        return self.scope["user"]

    async def turn_out(self) -> None:
        """Its account may view something else now, or nothing: the browser connects again and gets what it may."""
        Live.present.discard(self)
        if self.hub and self.client:
            self.hub.leave(self.client)
        with suppress(OSError):
            await self.close(CHANGED)

    def _teller(self) -> Tell:
        scope: Mapping[str, Any] = self.scope
        send: Callable[[dict[str, str]], Coroutine[Any, Any, None]] = scope.get(PLAIN_SEND, self.base_send)
        return lambda frame: send({"type": "websocket.send", "text": frame})


async def _watch() -> None:
    """While anybody looks on: what all of them may view now, in one question. Without an answer all stays as it was."""
    while Live.present:
        await asyncio.sleep(RECHECK_S)
        asked = {browser: browser.account for browser in Live.present}  # who comes meanwhile was asked for at the door
        try:
            sights = await _sights(set(asked.values()))
        except DatabaseError as problem:
            log.warning("what browsers may view cannot be asked just now: %s", problem)
            continue
        for browser in _changed(asked, sights):
            await browser.turn_out()


def _changed(asked: Mapping[Live, int], sights: Mapping[int, Sight]) -> list[Live]:
    clients = [(browser, browser.client) for browser in asked if browser in Live.present]
    return [browser for browser, client in clients if client and sights.get(asked[browser], BLIND) != client.sight]


async def _sights(accounts: Collection[int]) -> dict[int, Sight]:
    """What accounts may see; one that is inactive or gone is left out."""
    view, personal = await _ask(accounts, Action.VIEW), await _ask(accounts, Action.PERSONAL)
    return {account: Sight(scope, personal.get(account, NOWHERE)) for account, scope in view.items()}


def with_plain_send(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Frames go past the layers that look at every message for a session to save: a frame has none."""

    async def call(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await app(scope | {PLAIN_SEND: send}, receive, send)

    return call
