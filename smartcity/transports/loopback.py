# SPDX-License-Identifier: Apache-2.0
"""A transport without a wire, for tests of what lies behind: messages in, outcomes and commands out, same promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from smartcity.transports.messages import Inbox, Kind, Outcome, RawMessage

TRANSPORT = "loopback"


class Loopback:
    """`sent` keeps what `send_command` was given, per device, in order."""

    def __init__(self, inbox: Inbox, *, city_ms: Callable[[], int]) -> None:
        self.inbox = inbox
        self.city_ms = city_ms
        self.sent: dict[str, list[bytes]] = {}

    def publish(self, device: str, kind: Kind, payload: bytes) -> asyncio.Future[Outcome]:
        """Offer a message; the future ends when it is settled. A full inbox delays it, as a socket would."""
        settled: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        message = RawMessage(device, kind, payload, self.city_ms(), TRANSPORT, settled.set_result)
        self._offer(message)
        return settled

    def send_command(self, device: str, payload: bytes) -> None:
        self.sent.setdefault(device, []).append(payload)

    def _offer(self, message: RawMessage) -> None:
        if not self.inbox.offer(message):
            self.inbox.when_there_is_room(lambda: self._offer(message))
