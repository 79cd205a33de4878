# SPDX-License-Identifier: Apache-2.0
"""The city's own certificates for devices: an authority, and what it signs. Bytes in, bytes out, no files.

A device's certificate carries its uid as the common name, and is good for TLS clients only (RFC 5280).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SKEW: Final = timedelta(hours=1)  # a device's clock may be that slow on its first day
USES: Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


class NotUsable(Exception):
    """What was handed in is no such key, certificate or request; the message says which."""


@dataclass(frozen=True, slots=True)
class Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return pem_of(self.key)


@dataclass(frozen=True, slots=True)
class Signed:
    """A device's certificate. `fingerprint` is the SHA-256 of its DER form, `serial` hexadecimal."""

    pem: bytes
    serial: str
    fingerprint: bytes
    expires_at: datetime


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Unencrypted PKCS #8."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_authority(name: str, now: datetime, life: timedelta) -> Authority:
    """Signs devices and nothing else: no authority below it (path length 0)."""
    key, subject = new_key(), _named(name)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        _begun(subject, key.public_key(), now, life)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(made, key)


def load_authority(certificate: bytes, key: bytes) -> Authority:
    """From PEM. Raises NotUsable."""
    try:
        found, secret = x509.load_pem_x509_certificate(certificate), load_pem_private_key(key, None)
    except (ValueError, TypeError) as problem:
        raise NotUsable(f"the authority's certificate or key cannot be read ({problem})") from None
    if not isinstance(secret, ec.EllipticCurvePrivateKey) or secret.public_key() != found.public_key():
        raise NotUsable("the authority's key does not belong to its certificate")
    return Authority(found, secret)


def requested_key(request: bytes) -> CertificatePublicKeyTypes:
    """The public key of a signing request (PKCS #10, PEM); the name in it does not count. Raises NotUsable."""
    try:
        found = x509.load_pem_x509_csr(request)
        if not found.is_signature_valid:
            raise InvalidSignature
        return found.public_key()
    except (ValueError, InvalidSignature) as problem:
        raise NotUsable(f"this is no sound signing request ({problem or 'its signature is wrong'})") from None


def sign(authority: Authority, uid: str, key: CertificatePublicKeyTypes, now: datetime, life: timedelta) -> Signed:
    """A certificate for a device; it never outlives the authority."""
    life = min(life, authority.certificate.not_valid_after_utc - now)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    made = (
        _begun(_named(uid), key, now, life)
        .issuer_name(authority.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    serial, fingerprint = f"{made.serial_number:x}", made.fingerprint(hashes.SHA256())
    return Signed(made.public_bytes(Encoding.PEM), serial, fingerprint, made.not_valid_after_utc)


def _begun(
    subject: x509.Name, key: CertificatePublicKeyTypes, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + life)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{use: use in allowed for use in USES})
