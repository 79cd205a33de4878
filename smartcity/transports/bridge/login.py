# SPDX-License-Identifier: Apache-2.0
"""How we come in at the broker. Secrets and certificates are read from their files at each attempt: they may change."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from smartcity.transports.bridge.mapping import Broker


@dataclass(frozen=True, slots=True)
class Login:
    host: str
    port: int
    client_id: str
    username: str | None
    password: bytes | None
    tls: ssl.SSLContext | None


def prepare(broker: Broker, client_id: str) -> Login:
    """Raises OSError where a file cannot be read, ssl.SSLError where it holds no certificate."""
    host, _, port = broker.address.rpartition(":")
    password = Path(broker.password_file).read_bytes().rstrip(b"\r\n") if broker.password_file else None
    username = broker.username or ("" if password is not None else None)
    return Login(host.strip("[]"), int(port), client_id, username, password, _context(broker) if broker.tls else None)


def _context(broker: Broker) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=broker.ca_file or None)
    if broker.certificate_file:
        context.load_cert_chain(broker.certificate_file, broker.key_file or None)
    return context
