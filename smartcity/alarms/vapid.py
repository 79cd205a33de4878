# SPDX-License-Identifier: Apache-2.0
"""The city's key towards push services (RFC 8292): P-256, 32 bytes, base64url."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def public_key(private: str) -> str:
    """What a browser subscribes with: the uncompressed point, base64url without padding. ValueError when unusable."""
    number = int.from_bytes(urlsafe_b64decode(private + "=" * (-len(private) % 4)), "big")
    point = ec.derive_private_key(number, ec.SECP256R1()).public_key()
    return urlsafe_b64encode(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).rstrip(b"=").decode()


def is_public_key(text: str) -> bool:
    """Whether this is a browser's p256dh: a point on P-256."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return False
    return True


def is_secret(text: str) -> bool:
    """Whether this is a browser's auth secret: 16 bytes."""
    try:
        return len(urlsafe_b64decode(text + "=" * (-len(text) % 4))) == 16
    except ValueError:
        return False
