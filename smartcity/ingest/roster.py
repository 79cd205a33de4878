# SPDX-License-Identifier: Apache-2.0
"""Who may speak and what is known of each series: one frozen picture of the city's database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smartcity.telemetry import book
from smartcity.telemetry.book import Book


@dataclass(frozen=True, slots=True)
class Known:
    """A device that may speak, or once might: `series` is metric name → series id."""

    id: int
    uid: str
    codec: str
    domain: str
    digest: bytes | None = None
    is_retired: bool = False
    is_simulated: bool = False
    series: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """A gateway's key: it may post for these devices and no others."""

    name: str
    devices: frozenset[str]


@dataclass(frozen=True, slots=True)
class Roster:
    """`tokens` by the SHA-256 of the token; `revoked` is the fingerprint of a certificate → the uid it was issued to;
    `mark` tells whether the database has moved on."""

    devices: Mapping[str, Known]
    tokens: Mapping[bytes, Token]
    book: Book
    mark: tuple[Any, ...] = ()
    revoked: Mapping[bytes, str] = field(default_factory=dict)


def mark() -> tuple[Any, ...]:
    """Changes when devices, secrets, series or tokens do, or a certificate is revoked. Four aggregates; a change of
    codec alone is not seen."""
    from django.db.models import Count, Max

    from smartcity.devices.models import Device, DeviceCertificate, GatewayToken, Series

    devices = Device.objects.aggregate(
        Count("pk"), Max("pk"), Max("secret_changed_at"), Max("retired_at"), Count("retired_at")
    )
    tokens = GatewayToken.objects.aggregate(
        Count("pk", distinct=True), Max("pk"), Count("revoked_at", distinct=True), Max("devices"), Count("devices")
    )
    series = Series.objects.aggregate(Count("pk"), Max("pk"))
    certificates = DeviceCertificate.objects.aggregate(Count("revoked_at"), Max("revoked_at"))
    return tuple(tuple(found.values()) for found in (devices, tokens, series, certificates))


def load() -> Roster:
    """The whole roster. Eight queries, about 20 µs a device."""
    from smartcity import declared
    from smartcity.devices.models import Device, Series

    now = mark()
    pairs = list(Series.objects.values_list("pk", "metric", "device_id"))
    series: dict[int, dict[str, int]] = {}
    for number, metric, device in pairs:
        series.setdefault(device, {})[metric] = number
    columns = ("pk", "uid", "codec", "asset__domain", "secret_sha256", "retired_at", "simulated")
    devices = {
        uid: Known(
            number, uid, codec, domain, bytes(secret) if secret else None, retired is not None, simulated,
            series.get(number, {}),
        )
        for number, uid, codec, domain, secret, retired, simulated in Device.objects.values_list(*columns)
    }  # fmt: skip
    named = ((number, metric) for number, metric, _ in pairs)
    known = book.write(named, declared.metrics(), raw_days=book.longest_raw_days())
    return Roster(devices, _tokens(), known, now, _revoked())


def _revoked() -> dict[bytes, str]:
    from smartcity.devices.models import DeviceCertificate

    rows = DeviceCertificate.objects.exclude(revoked_at=None).values_list("fingerprint", "uid")
    return {bytes.fromhex(fingerprint): uid for fingerprint, uid in rows}


def _tokens() -> dict[bytes, Token]:
    from smartcity.devices.models import GatewayToken

    found: dict[bytes, tuple[str, set[str]]] = {}
    rows = GatewayToken.objects.filter(revoked_at=None).values_list("token_sha256", "name", "devices__uid")
    for digest, name, uid in rows:
        devices = found.setdefault(bytes(digest), (name, set()))[1]
        if uid is not None:
            devices.add(uid)
    return {digest: Token(name, frozenset(devices)) for digest, (name, devices) in found.items()}
