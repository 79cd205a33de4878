# SPDX-License-Identifier: Apache-2.0
"""Set up the devices of a CSV list (columns device, asset, codec, metrics) and write their secrets to a new file."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction

from smartcity.api.audit import Actor
from smartcity.devices import device_list, provisioning
from smartcity.devices.models import Device
from smartcity.devices.provisioning import Issued, Refused, Wanted


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV with a heading; metrics separated by spaces")
        parser.add_argument("--secrets", type=Path, help="new file for device,secret (mode 600); required to change")
        parser.add_argument("--rotate", action="store_true", help="give devices that exist already a new secret")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen; change nothing")

    def handle(self, *, file: Path, secrets: Path | None, rotate: bool, dry_run: bool, **options: Any) -> None:
        try:
            self._provision(file, secrets, rotate=rotate, dry_run=dry_run)
        except Refused as no:
            raise CommandError(str(no)) from None
        except DatabaseError as error:
            raise CommandError(f"The city's database refused ({error}); run manage.py migrate and try again.") from None

    def _provision(self, file: Path, secrets: Path | None, *, rotate: bool, dry_run: bool) -> None:
        wanted = device_list.read(file)
        wrong = device_list.check(wanted)
        if wrong:
            raise Refused(f"Nothing was changed. {file.name}: " + "; ".join(wrong[:10]) + f" ({len(wrong)} in all).")
        known = device_list.known(wanted)
        new = [item for item in wanted if item.uid not in known]
        again = list(known.values()) if rotate else []
        self.stdout.write(f"{len(new)} new, {len(again)} to rotate, {len(known) - len(again)} left as they are")
        if dry_run or (not new and not again):
            return
        if secrets is None:
            raise Refused("Name a new file for the secrets with --secrets; they can be read only now.")
        with transaction.atomic():  # a file that cannot be written must not leave devices whose secret nobody has
            device_list.write_secrets(secrets, _issue(new, again))
        self.stdout.write(
            f"Secrets of {len(new) + len(again)} devices written to {secrets}; hand them over and delete it"
        )


def _issue(new: Sequence[Wanted], again: Sequence[Device]) -> list[Issued]:
    by = Actor(getpass.getuser())
    rotated = [provisioning.rotate(device, by, "manage.py provision --rotate") for device in again]
    return [*(provisioning.create_all(new, by) if new else []), *rotated]
