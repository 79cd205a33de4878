# SPDX-License-Identifier: Apache-2.0
"""Keys of devices and gateways: 256 random bits, stored as SHA-256, compared in constant time.

A slow password hash would only protect guessable secrets, and costs 0.36 CPU-s for each device that connects.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_secret() -> str:
    """64 hex characters, as the device sends them."""
    return secrets.token_hex(32)


def digest(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def matches(secret: str, stored: bytes | memoryview | None) -> bool:
    """Whether this is the secret behind the stored digest; a device without one never matches."""
    return stored is not None and hmac.compare_digest(digest(secret), bytes(stored))
