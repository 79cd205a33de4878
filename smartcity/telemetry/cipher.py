# SPDX-License-Identifier: Apache-2.0
"""Bodies of quarantined messages lie encrypted: written with the first of the city's keys, read with any of them."""

from __future__ import annotations

import logging
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

log = logging.getLogger(__name__)


class Locked(Exception):
    """No key that is listed opens this body."""


def keys() -> MultiFernet | None:
    """As set (SMARTCITY_QUARANTINE_KEY): several stand on lines of their own or between commas, the newest first."""
    return _keys(settings.QUARANTINE_KEY)


@lru_cache(maxsize=8)
def _keys(written: str) -> MultiFernet | None:
    found = written.replace(",", " ").split()
    if not found:
        log.warning(
            "there is no quarantine key: of quarantined messages no body is kept (see docs/reference/settings.md)"
        )
        return None
    try:
        return MultiFernet([Fernet(key) for key in found])
    except ValueError:
        raise ImproperlyConfigured(
            "SMARTCITY_QUARANTINE_KEY (or secrets/quarantine_key) holds something that is no key: each is 32 bytes in "
            "URL-safe Base64, as cryptography.fernet.Fernet.generate_key() makes them."
        ) from None


def lock(body: bytes) -> bytes:
    """What is written down of a body: nothing where there is no key."""
    found = keys()
    return found.encrypt(body) if found else b""


def unlock(written: bytes) -> bytes:
    """Raises Locked."""
    found = keys()
    try:
        return (found or _none()).decrypt(written)
    except InvalidToken:
        raise Locked("No key that is listed in the settings opens this body.") from None


def relock(written: bytes) -> bytes:
    """The same body under the newest key. Raises Locked."""
    found = keys()
    try:
        return (found or _none()).rotate(written)
    except InvalidToken:
        raise Locked("No key that is listed in the settings opens this body.") from None


def _none() -> MultiFernet:
    raise Locked("There is no quarantine key in the settings.")
