# SPDX-License-Identifier: Apache-2.0
"""TLS at the gateway: our certificate, and whose clients' certificates we believe."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from smartcity.transports.messages import Certificate


class BadCertificate(Exception):
    """TLS cannot be offered as it is set; the message says why, in a sentence."""


def offered(
    certificate: str, key: str = "", *, client_ca: str = "", certificates_only: bool = False
) -> ssl.SSLContext | None:
    """What `server_context` makes; None where there is no certificate. Raises BadCertificate."""
    if certificates_only and not (certificate and client_ca):
        raise BadCertificate(
            "SMARTCITY_MQTT_CERTIFICATES_ONLY demands client certificates, but there is no SMARTCITY_MQTT_CERTIFICATE "
            "to speak TLS with, or no SMARTCITY_MQTT_CLIENT_CA to believe them by."
        )
    if not certificate:
        return None
    try:
        return server_context(certificate, key, client_ca=client_ca, certificates_only=certificates_only)
    except (OSError, ValueError) as problem:
        raise BadCertificate(
            f"The gateway's certificate, key or client authorities cannot be used ({problem}); check the PEM files "
            f"named by SMARTCITY_MQTT_CERTIFICATE, SMARTCITY_MQTT_KEY and SMARTCITY_MQTT_CLIENT_CA."
        ) from None


def server_context(
    certificate: str, key: str = "", *, client_ca: str = "", certificates_only: bool = False
) -> ssl.SSLContext:
    """PEM files. With `client_ca` a client may show a certificate signed by one in there, root or not, and must where
    `certificates_only`; one that is expired or signed by others ends the handshake. Raises OSError (ssl.SSLError too)
    and ValueError.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key or None)
    if client_ca:
        context.load_verify_locations(cadata=Path(client_ca).read_text())
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_mode = ssl.CERT_REQUIRED if certificates_only else ssl.CERT_OPTIONAL
    return context


def shown(connection: ssl.SSLObject | None) -> Certificate | None:
    """What the client at the other end has shown and TLS has verified; None without."""
    der = connection.getpeercert(binary_form=True) if connection is not None else None
    if not der:
        return None
    found = x509.load_der_x509_certificate(der)
    names = [attribute.value for attribute in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    device = str(names[0]) if len(names) == 1 else ""
    return Certificate(device, hashlib.sha256(der).digest(), found.not_valid_after_utc.timestamp())
