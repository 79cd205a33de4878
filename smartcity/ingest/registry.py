# SPDX-License-Identifier: Apache-2.0
"""The cached table of devices: nothing on the road asks the database who somebody is."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from typing import Final

from channels.db import database_sync_to_async
from django.db import DatabaseError

from smartcity.ingest import roster
from smartcity.ingest.roster import Known, Roster, Token
from smartcity.transports.messages import Certificate, Identity, Refusal

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0
WHOLE_EVERY_S: Final = 60.0
NOBODY: Final = hashlib.sha256(secrets.token_bytes(32)).digest()


class NotLoaded(Exception):
    """Nobody can be let in before the devices were read once."""


def _nothing(device: str, reason: str) -> None:
    pass


class Registry:
    """Used from the event loop. A change in the database is seen within five seconds, or at once after `changed`.

    `on_revoked(uid, reason)` is called for devices whose secret has changed or one of whose certificates was revoked,
    or that were retired or removed.
    """

    def __init__(self, on_revoked: Callable[[str, str], object] = _nothing) -> None:
        self.on_revoked = on_revoked
        self._roster: Roster | None = None
        self._loaded_at = 0.0
        self._news = asyncio.Event()

    @property
    def roster(self) -> Roster:
        if self._roster is None:
            raise NotLoaded("the devices have not been read yet")
        return self._roster

    def device(self, uid: str) -> Known | None:
        return self.roster.devices.get(uid)

    async def authenticate(self, username: str, password: bytes) -> Identity | Refusal:
        known = self.roster.devices.get(username)
        expected = known.digest if known and known.digest else NOBODY
        if not hmac.compare_digest(hashlib.sha256(password).digest(), expected):
            return Refusal("wrong secret" if known else "unknown device")
        if known is None or known.is_retired:
            return Refusal("device retired")
        return Identity(username)

    async def certified(self, certificate: Certificate, username: str) -> Identity | Refusal:
        known = self.roster.devices.get(certificate.device)
        if username not in ("", certificate.device):
            return Refusal("certificate of another name")
        if known is None:
            return Refusal("unknown device")
        if known.is_retired:
            return Refusal("device retired")
        if certificate.fingerprint in self.roster.revoked:
            return Refusal("certificate revoked")
        return Identity(certificate.device)

    def stored_digest(self, uid: str) -> bytes | Refusal:
        """SHA-256 of the device's secret, from which its CoAP keys are derived; or why it may not come in."""
        known = self.roster.devices.get(uid)
        if known is None:
            return Refusal("unknown device")
        if known.is_retired:
            return Refusal("device retired")
        return known.digest or Refusal("wrong secret")

    def token(self, text: str) -> Token | None:
        """The gateway token behind this text. Found by its hash, so the time it takes tells nothing of the token."""
        return self.roster.tokens.get(hashlib.sha256(text.encode()).digest())

    async def load(self) -> None:
        """Read everything. Raises django.db.DatabaseError."""
        fresh = await database_sync_to_async(roster.load, thread_sensitive=False)()
        stale, self._roster = self._roster, fresh
        self._loaded_at = time.monotonic()
        if stale is not None:
            for uid, reason in _revoked(stale, fresh):
                self.on_revoked(uid, reason)

    def changed(self) -> None:
        """The caller has changed devices: do not wait for the next look."""
        self._news.set()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._news.wait()
            except TimeoutError:
                pass
            is_told = self._news.is_set()
            self._news.clear()
            try:
                if is_told or await self._has_moved_on():
                    await self.load()
            except DatabaseError as problem:
                log.warning("the devices cannot be read just now, the last known go on: %s", problem)

    async def _has_moved_on(self) -> bool:
        if self._roster is None or time.monotonic() - self._loaded_at > WHOLE_EVERY_S:
            return True
        return await database_sync_to_async(roster.mark, thread_sensitive=False)() != self._roster.mark


def _revoked(stale: Roster, fresh: Roster) -> list[tuple[str, str]]:
    found = []
    for uid, old in stale.devices.items():
        new = fresh.devices.get(uid)
        if new is None:
            found.append((uid, "device removed"))
        elif new.is_retired and not old.is_retired:
            found.append((uid, "device retired"))
        elif new.digest != old.digest:
            found.append((uid, "secret changed"))
    told = {uid for uid, _ in found}
    newly = {uid for fingerprint, uid in fresh.revoked.items() if fingerprint not in stale.revoked}
    return found + [(uid, "certificate revoked") for uid in sorted(newly - told)]
