# SPDX-License-Identifier: Apache-2.0
"""Giving devices an identity and a key, and taking both away. Secrets are returned once and stored as a hash."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from smartcity import declared
from smartcity.api import audit
from smartcity.api.audit import Actor
from smartcity.devices import certificates, credentials, street
from smartcity.devices.models import Asset, Device, GatewayToken, Series

UID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Refused(Exception):
    """It cannot be done as asked; the message says why, in a sentence."""


class Taken(Refused):
    """Somebody has that name already."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One device to set up: it speaks for `asset` (a uid), in `codec`, about `metrics`."""

    uid: str
    asset: str
    codec: str
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Issued:
    """A device with the secret nobody can read again."""

    device: Device
    secret: str


def faults(wanted: Wanted, asset: Asset | None) -> Iterator[str]:
    """Why this device cannot be set up; nothing when it can."""
    if not UID.fullmatch(wanted.uid):
        yield f"{wanted.uid!r} is no device name: use 1 to 64 letters, digits, dots, dashes or underscores"
    if asset is None:
        yield f"there is no asset {wanted.asset}"
    if wanted.codec not in declared.codecs():
        yield f"the codec {wanted.codec!r} is not installed; there are {', '.join(sorted(declared.codecs()))}"
    if not wanted.metrics:
        yield "it measures nothing: name at least one metric"
    for name in wanted.metrics:
        metric = declared.metrics().get(name)
        if metric is None:
            yield f"the metric {name!r} is not declared"
        elif asset is not None and metric.domain != asset.domain:
            yield f"{name} is not a metric of {asset.domain}"


def create(wanted: Wanted, by: Actor) -> Issued:
    """Set up one device. Raises Refused, or Taken for a name that exists."""
    return create_all([wanted], by)[0]


@transaction.atomic
def create_all(wanted: Sequence[Wanted], by: Actor) -> list[Issued]:
    """Set up all of them or none. Raises Refused. Five queries however many."""
    assets = {asset.uid: asset for asset in Asset.objects.filter(uid__in={item.asset for item in wanted})}
    wrong = [f"{item.uid}: {why}" for item in wanted for why in faults(item, assets.get(item.asset))]
    if wrong:
        more = f" (and {len(wrong) - 5} more)" if len(wrong) > 5 else ""
        raise Refused("; ".join(wrong[:5]) + more + ".")
    _refuse_doubles([item.uid for item in wanted])
    secrets = [credentials.new_secret() for _ in wanted]
    now = timezone.now()
    devices = Device.objects.bulk_create(
        Device(
            uid=item.uid,
            asset=assets[item.asset],
            codec=item.codec,
            secret_sha256=credentials.digest(secret),
            secret_changed_at=now,
        )
        for item, secret in zip(wanted, secrets, strict=True)
    )
    pairs = list(zip(devices, wanted, strict=True))
    Series.objects.bulk_create(Series(device=d, metric=m) for d, item in pairs for m in dict.fromkeys(item.metrics))
    for device, item in pairs:
        after = {"asset": item.asset, "codec": item.codec, "metrics": item.metrics}
        audit.record(by, "device created", device.uid, after=after)
    return [Issued(device, secret) for device, secret in zip(devices, secrets, strict=True)]


def _refuse_doubles(uids: Sequence[str]) -> None:
    taken = sorted({uid for uid in uids if uids.count(uid) > 1}) or sorted(
        Device.objects.filter(uid__in=uids).values_list("uid", flat=True)
    )
    if taken:
        raise Taken(f"There is a device {taken[0]} already; rotate its secret instead, or choose another name.")


@transaction.atomic
def rotate(device: Device, by: Actor, reason: str) -> Issued:
    """A new secret; the old one is worthless at once. A simulated device's street learns it. Raises Refused."""
    secret = credentials.new_secret()
    _change(device, by, "device secret rotated", reason, secret_sha256=credentials.digest(secret))
    if device.simulated:
        transaction.on_commit(lambda: street.renew(device.uid, secret))
    return Issued(device, secret)


@transaction.atomic
def revoke(device: Device, by: Actor, reason: str) -> None:
    """No secret fits any more until one is issued by rotating, and no certificate. Raises Refused."""
    _change(device, by, "device secret revoked", reason, secret_sha256=None)
    certificates.take_back(certificates.good(device.uid, timezone.now()), by, reason)


def retire(device: Device, by: Actor, reason: str) -> None:
    """For good: it may not connect and its late readings are refused; its history stays. Raises Refused."""
    _change(device, by, "device retired", reason, secret_sha256=None, retired_at=timezone.now())


@transaction.atomic
def _change(device: Device, by: Actor, action: str, reason: str, **values: object) -> None:
    before = _shown(device)
    standing = Device.objects.filter(pk=device.pk, retired_at=None)
    if not standing.update(secret_changed_at=timezone.now(), **values):
        raise Refused(f"{device.uid} is retired; set up a new device for its asset instead.")
    device.refresh_from_db()
    audit.record(by, action, device.uid, before=before, after=_shown(device), reason=reason)


def _shown(device: Device) -> dict[str, object]:
    return {"has_secret": device.secret_sha256 is not None, "retired_at": device.retired_at}


@transaction.atomic
def open_gateway(name: str, devices: Iterable[Device], by: Actor) -> tuple[GatewayToken, str]:
    """A token with which a gateway posts for these devices and no others. Raises Taken."""
    if GatewayToken.objects.filter(name=name).exists():
        raise Taken(f"There is a gateway {name!r} already; choose another name.")
    token = credentials.new_secret()
    gateway = GatewayToken.objects.create(name=name, token_sha256=credentials.digest(token))
    gateway.devices.set(devices)
    audit.record(by, "gateway token issued", name, after={"devices": sorted(device.uid for device in devices)})
    return gateway, token


@transaction.atomic
def close_gateway(gateway: GatewayToken, by: Actor, reason: str) -> None:
    """Its token is worthless at once. Raises Refused when it was before."""
    if not GatewayToken.objects.filter(Q(revoked_at=None), pk=gateway.pk).update(revoked_at=timezone.now()):
        raise Refused(f"The token of {gateway.name} was revoked before.")
    audit.record(by, "gateway token revoked", gateway.name, reason=reason)
