# SPDX-License-Identifier: Apache-2.0
"""City time as the city tells it. Never guessed ahead: whoever only follows what was said can be late, never early."""

from __future__ import annotations

import asyncio
import http.client
import logging
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

log = logging.getLogger(__name__)
TIMEOUT_S = 5.0
KEY = "SMARTCITY_FOLLOWER_KEY"
"""Under which the city finds its own street's key; a street without one follows, and time does not wait for it."""


class Face(msgspec.Struct, frozen=True):
    """What GET /clock answers."""

    at: int
    speed: float
    ceiling: float
    mode: str


@dataclass(slots=True)
class Follower:
    """Asks the city for its time over one kept connection; `face` is the last answer, None before the first."""

    url: str
    face: Face | None = None
    is_lost: bool = False
    _line: http.client.HTTPConnection | None = None

    async def ask(self, reached_ms: int) -> Face | None:
        """The city's time now, or None when it does not answer. `reached_ms`: how far this follower has come."""
        try:
            self.face = await asyncio.to_thread(self._ask, reached_ms)
        except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
            self._hang_up()
            if not self.is_lost:
                log.warning("The city's clock at %s does not answer (%s); the street stands still.", self.url, error)
            self.is_lost = True
            return None
        if self.is_lost:
            log.warning("The city's clock answers again.")
        self.is_lost = False
        return self.face

    def _ask(self, reached_ms: int) -> Face:
        if self._line is None:
            self._line = _connection(self.url)
        key = os.environ.get(KEY, "")
        self._line.request("GET", f"/clock?follower_at={reached_ms}", headers={"X-Follower-Key": key} if key else {})
        answer = self._line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise http.client.HTTPException(f"status {answer.status}")
        return msgspec.json.decode(body, type=Face)

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


def _connection(url: str) -> http.client.HTTPConnection:
    place = urlsplit(url)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    return kind(place.hostname or "127.0.0.1", place.port, timeout=TIMEOUT_S)
