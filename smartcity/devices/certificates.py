# SPDX-License-Identifier: Apache-2.0
"""Certificates issued to devices: what is written down of each, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from smartcity.api import audit
from smartcity.api.audit import Actor
from smartcity.devices.models import Device, DeviceCertificate
from smartcity.devices.pki import Signed


class NothingToRevoke(Exception):
    """The device has no certificate that is still good."""


def good(uid: str, now: datetime) -> list[DeviceCertificate]:
    """Neither revoked nor expired, the newest first."""
    rows = DeviceCertificate.objects.filter(uid=uid, revoked_at=None, expires_at__gt=now)
    return list(rows.order_by("-pk"))


@transaction.atomic
def record(device: Device, signed: Signed, by: Actor) -> DeviceCertificate:
    """Write down that it was issued. Call it in the transaction that hands it over."""
    row = DeviceCertificate.objects.create(
        uid=device.uid, serial=signed.serial, fingerprint=signed.fingerprint.hex(), issued_by=by.name[:150],
        expires_at=signed.expires_at,
    )  # fmt: skip
    audit.record(by, "device certificate issued", device.uid, after=_shown(row))
    return row


def revoke(uid: str, by: Actor, reason: str, *, but_newest: bool = False) -> list[DeviceCertificate]:
    """Take back those that are good: worthless at once. Raises NothingToRevoke."""
    rows = good(uid, timezone.now())[1 if but_newest else 0 :]
    if not rows:
        raise NothingToRevoke
    take_back(rows, by, reason)
    return rows


@transaction.atomic
def take_back(rows: Sequence[DeviceCertificate], by: Actor, reason: str) -> None:
    for row in rows:
        now = timezone.now()
        if DeviceCertificate.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=now):
            after = _shown(row) | {"revoked_at": now}
            audit.record(by, "device certificate revoked", row.uid, before=_shown(row), after=after, reason=reason)


def _shown(row: DeviceCertificate) -> dict[str, object]:
    return {"serial": row.serial, "sha256": row.fingerprint, "expires_at": row.expires_at}
