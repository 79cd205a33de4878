# SPDX-License-Identifier: Apache-2.0
"""Reading the body of a request: in time, within its limit, and all bodies together within theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

from smartcity.transports.ingest_body import LARGEST_MESSAGE, PACK, Answer

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

LATER: Final = {"retry-after": "5"}


class Room:
    """Bytes of bodies held at once, over all requests: without a bound many large ones would take all memory."""

    def __init__(self, most: int) -> None:
        self.left = most

    @contextmanager
    def share(self) -> Iterator[Share]:
        """What is taken from it within the block is given back after."""
        share = Share(self)
        try:
            yield share
        finally:
            self.left += share.taken


class Share:
    def __init__(self, room: Room) -> None:
        self._room = room
        self.taken = 0

    def take(self, size: int) -> None:
        """Raises Answer 503 when there is no room just now."""
        if size > self._room.left:
            raise Answer(503, "Too much is being received at once: send this again later.", headers=LATER)
        self._room.left -= size
        self.taken += size


async def read(receive: Receive, share: Share, *, within_s: float, max_body: int, is_own: bool) -> bytes:
    """All of it, whatever its head said. Of a device's own pack (`is_own`) no more than a message may have."""
    parts: list[bytes] = []
    limit = max_body
    try:
        async with asyncio.timeout(within_s):
            while True:
                part = await receive()
                if part["type"] == "http.disconnect":
                    raise Answer(400, "The sender left before the body was whole.")
                parts.append(part.get("body", b""))
                share.take(len(parts[-1]))
                if len(parts) == 1 and is_own and PACK.match(parts[0]):
                    limit = min(limit, LARGEST_MESSAGE)
                if share.taken > limit:
                    raise Answer(413, f"A {_called(limit)} has at most {limit:,} bytes: send several.")
                if not part.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise Answer(408, "The body did not arrive in time.", headers={"connection": "close"}) from None


def _called(limit: int) -> str:
    return "message" if limit == LARGEST_MESSAGE else "request"
