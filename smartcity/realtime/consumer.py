# SPDX-License-Identifier: Apache-2.0
"""The browser's end of the live view: one WebSocket, signed in, fed by the process's hub."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from smartcity.api.access import Action, Scope, scope
from smartcity.realtime.hub import Client, Hub

RECHECK_S = 30.0
SIGNED_OUT, MAY_NOT, BUSY = 4401, 4403, 4429
MOST_CLIENTS = 5000


class Live(AsyncWebsocketConsumer):
    """Closes with 4401 when nobody is signed in and 4403 when the account may view nothing."""

    hub: Hub | None = None
    count = 0
    client: Client | None = None
    feeder: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        await self.accept()
        if self.hub is None or Live.count >= MOST_CLIENTS:
            await self.close(BUSY)
            return
        reach = await self._reach()
        if reach is None or reach.is_empty:
            await self.close(SIGNED_OUT if reach is None else MAY_NOT)
            return
        Live.count += 1
        self.client = self.hub.join(reach)
        self.feeder = asyncio.create_task(self._feed(self.hub, self.client))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            message = json.loads(text_data or "{}")
        except ValueError:
            return
        if self.hub and self.client and isinstance(message, dict) and message.get("t") == "resync":
            self.hub.resync(self.client)

    async def disconnect(self, code: int) -> None:
        if self.feeder:
            self.feeder.cancel()
        if self.hub and self.client:
            Live.count -= 1
            self.hub.leave(self.client)

    async def _feed(self, hub: Hub, client: Client) -> None:
        loop = asyncio.get_running_loop()
        check_at = loop.time() + RECHECK_S
        while True:
            frame = await client.next_frame(hub)
            await self.send(text_data=frame.decode())
            if loop.time() >= check_at:
                check_at = loop.time() + RECHECK_S
                if await self._reach() != client.scope:
                    await self.close(MAY_NOT)
                    return

    async def _reach(self) -> Scope | None:
        """What the account may view now, or None when it is signed out."""
        user: Any = self.scope["user"]
        if not user.is_authenticated:
            return None
        reach: Scope = await database_sync_to_async(_scope_of, thread_sensitive=False)(user.pk)
        return reach


def _scope_of(user_pk: int) -> Scope:
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.filter(pk=user_pk, is_active=True).first()
    return scope(user, Action.VIEW) if user else Scope(frozenset())
