# SPDX-License-Identifier: Apache-2.0
"""The city's own certificates for devices: make the authority, issue, renew, revoke, list."""

from __future__ import annotations

import getpass
import os
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from smartcity.api.audit import Actor
from smartcity.devices import certificates, pki
from smartcity.devices.models import Device, DeviceCertificate
from smartcity.devices.pki import Authority, NotUsable

SOON = timedelta(days=30)


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        init = what.add_parser("init", help="make the authority, once")
        init.add_argument("--name", default="Smart City devices", help="(Smart City devices)")
        init.add_argument("--years", type=int, default=20, help="how long it is good (20)")
        issue = what.add_parser("issue", help="a key and a certificate for a device, written to new files")
        issue.add_argument("uid", metavar="UID")
        issue.add_argument("--days", type=int, default=825, help="how long it is good (825)")
        issue.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="where to (here)")
        issue.add_argument("--request", type=Path, metavar="FILE", help="sign this key (PKCS #10, PEM), make none")
        issue.add_argument("--renew", action="store_true", help="beside the one it has, which stays good")
        revoke = what.add_parser("revoke", help="a device's certificates are worthless at once")
        revoke.add_argument("uid", metavar="UID")
        revoke.add_argument("--reason", required=True)
        revoke.add_argument("--but-newest", action="store_true", help="only those that were renewed")
        show = what.add_parser("list", help="what was issued, and until when it is good")
        show.add_argument("uid", nargs="?", default="", metavar="UID")

    def handle(self, *, what: str, **given: Any) -> None:
        does: dict[str, Callable[[dict[str, Any]], None]] = {
            "init": self._init, "issue": self._issue, "revoke": self._revoke, "list": self._list,
        }  # fmt: skip
        if given.get("days", 1) < 1 or given.get("years", 1) < 1:
            raise CommandError("A certificate is good for one day at least.")
        try:
            does[what](given)
        except NotUsable as no:
            raise CommandError(f"Nothing was done: {no}.") from None
        except OSError as error:
            raise CommandError(f"Nothing was done: {error.filename}: {error.strerror}.") from None

    def _init(self, given: dict[str, Any]) -> None:
        certificate, key = _places()
        if certificate.exists() or key.exists():
            raise CommandError(f"There is an authority already ({certificate}); it is never written over.")
        made = pki.new_authority(given["name"], timezone.now(), timedelta(days=365.25 * given["years"]))
        key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write({key: (made.key_pem, 0o600), certificate: (made.pem, 0o644)})
        self.stdout.write(
            f"The authority is good until {made.certificate.not_valid_after_utc:%Y-%m-%d}. Its key is {key}: back it "
            f"up, hand it to nobody.\nFor the gateway: SMARTCITY_MQTT_CLIENT_CA={certificate}"
        )

    def _issue(self, given: dict[str, Any]) -> None:
        device, now, authority = _device(given["uid"]), timezone.now(), _authority()
        has = certificates.good(device.uid, now)
        if has and not given["renew"]:
            until = f"{has[0].expires_at:%Y-%m-%d}"
            raise CommandError(f"{device} has a certificate until {until}: --renew issues another beside it.")
        own = None if given["request"] else pki.new_key()
        key = own.public_key() if own else pki.requested_key(given["request"].read_bytes())
        signed = pki.sign(authority, device.uid, key, now, timedelta(days=given["days"]))
        files = {given["out"] / f"{device}-{signed.serial[:8]}.pem": (signed.pem, 0o644)}
        if own:
            files[given["out"] / f"{device}-{signed.serial[:8]}.key"] = (pki.pem_of(own), 0o600)
        with transaction.atomic():  # files that cannot be written must not leave a certificate nobody has
            certificates.record(device, signed, Actor(getpass.getuser()))
            _write(files)
        for path in files:
            self.stdout.write(f"{path}")
        self.stdout.write(f"Good until {signed.expires_at:%Y-%m-%d %H:%M}Z. The city keeps no copy: hand it over.")

    def _revoke(self, given: dict[str, Any]) -> None:
        by, uid = Actor(getpass.getuser()), given["uid"]
        try:
            rows = certificates.revoke(uid, by, given["reason"], but_newest=given["but_newest"])
        except certificates.NothingToRevoke:
            raise CommandError(f"{uid} has no such certificate that is still good.") from None
        for row in rows:
            self.stdout.write(f"{row.serial} of {uid} is revoked.")

    def _list(self, given: dict[str, Any]) -> None:
        rows = DeviceCertificate.objects.order_by("uid", "-pk")
        rows = rows.filter(uid=given["uid"]) if given["uid"] else rows
        for row in rows.iterator():
            self.stdout.write(f"{row.uid:24} {row.serial:40} {_state(row)}")
        if not rows.exists():
            self.stdout.write("None was issued.")


def _state(row: DeviceCertificate) -> str:
    left = row.expires_at - timezone.now()
    if row.revoked_at:
        return f"revoked {row.revoked_at:%Y-%m-%d}"
    if left < timedelta():
        return f"expired {row.expires_at:%Y-%m-%d}"
    return f"until {row.expires_at:%Y-%m-%d}" + (", renew it" if left < SOON else "")


def _places() -> tuple[Path, Path]:
    folder = settings.VAR / "secrets"  # which is backed up as a whole
    return folder / "device_ca.pem", folder / "device_ca.key"


def _authority() -> Authority:
    certificate, key = _places()
    if not key.exists():
        raise CommandError("There is no authority yet: manage.py citypki init makes it.")
    return pki.load_authority(certificate.read_bytes(), key.read_bytes())


def _device(uid: str) -> Device:
    device = Device.objects.filter(uid=uid).first()
    if device is None:
        raise CommandError(f"There is no device {uid}.")
    if device.retired_at:
        raise CommandError(f"{uid} is retired: it may not come in, whatever it shows.")
    return device


def _write(files: dict[Path, tuple[bytes, int]]) -> None:
    """All of them, new, or none."""
    made: list[Path] = []
    try:
        for path, (content, mode) in files.items():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            made.append(path)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
    except OSError:
        for path in made:
            with suppress(OSError):
                path.unlink()
        raise
