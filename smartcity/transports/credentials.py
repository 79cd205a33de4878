# SPDX-License-Identifier: Apache-2.0
"""Device secrets: 256 random bits, kept as their SHA-256, compared in constant time.

A slow password hash protects guessable passwords; nobody guesses 256 random bits, and 1,150 devices connecting at once
would cost minutes of CPU under one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from smartcity.transports.messages import Certificate, Identity, Refusal

NOBODY = hashlib.sha256(secrets.token_bytes(32)).digest()


def new_secret() -> str:
    """64 hex digits, shown once."""
    return secrets.token_hex(32)


def digest(secret: str | bytes) -> bytes:
    """What is stored of a secret: the SHA-256 of its text."""
    return hashlib.sha256(secret.encode() if isinstance(secret, str) else secret).digest()


class SecretTable:
    """An Authenticator over device uid -> digest, replaced as a whole or row by row when devices change."""

    def __init__(self, digests: Mapping[str, bytes] | None = None) -> None:
        self._digests = dict(digests or {})

    def replace(self, digests: Mapping[str, bytes]) -> None:
        self._digests = dict(digests)

    def put(self, device: str, secret_digest: bytes) -> None:
        self._digests[device] = secret_digest

    def remove(self, device: str) -> None:
        self._digests.pop(device, None)

    def stored_digest(self, uid: str) -> bytes | Refusal:
        return self._digests.get(uid) or Refusal("unknown device")

    async def authenticate(self, username: str, password: bytes) -> Identity | Refusal:
        known = self._digests.get(username)
        if not hmac.compare_digest(digest(password), known or NOBODY):
            return Refusal("wrong secret" if known else "unknown device")
        return Identity(username)

    async def certified(self, certificate: Certificate, username: str) -> Identity | Refusal:
        if username not in ("", certificate.device):
            return Refusal("certificate of another name")
        return Identity(certificate.device) if certificate.device in self._digests else Refusal("unknown device")
