# SPDX-License-Identifier: Apache-2.0
"""Take a city's own list (GeoPackage, Shapefile, GeoJSON, CSV, WFS, in any CRS) as assets of one kind."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from smartcity.devices import inventory, mapping
from smartcity.devices.import_lock import Busy
from smartcity.devices.inventory import Comparison
from smartcity.devices.list_read import BadList
from smartcity.devices.mapping import BadMapping
from smartcity.devices.plan import BadDraft

SHOWN = 20


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="what GDAL reads: a file, or WFS:https://...")
        parser.add_argument("--map", type=Path, required=True, dest="mapping", help="TOML: which column means what")
        parser.add_argument("--dry-run", action="store_true", help="show what would change; change nothing")
        parser.add_argument("--skip", action="store_true", help="leave rows out that cannot be used, and name them")
        parser.add_argument("--replace", action="store_true", help="even if most of the city is not in the list")

    def handle(self, *, file: str, mapping: Path, dry_run: bool, skip: bool, replace: bool, **options: Any) -> None:
        try:
            self._import(file, mapping, dry_run=dry_run, skip=skip, replace=replace)
        except (BadMapping, BadList, BadDraft, Busy) as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(f"The city's database refused ({error}); run manage.py migrate and try again.") from None

    def _import(self, file: str, mapping_file: Path, *, dry_run: bool, skip: bool, replace: bool) -> None:
        means = mapping.read(mapping_file)
        if dry_run:
            found = inventory.compare(file, means, skip=skip)
            self._details(found)
        else:
            by = getpass.getuser()
            found = inventory.import_list(file, means, by=by, skip=skip, replace=replace, say=self.stdout.write)
        for fault in found.skipped:
            self.stdout.write(f"left out: {fault}")
        words = ("added", "changed", "unchanged", "missing", "replaced", "skipped")
        summary = ", ".join(f"{found.counts[word]:,} {word}" for word in words)
        self.stdout.write(f"{means.source}, {means.domain} {means.kind}: {summary}")
        if dry_run:
            self.stdout.write("Nothing was changed.")

    def _details(self, found: Comparison) -> None:
        lines = [
            f"{change.what} {change.uid} ({change.external_id}) {', '.join(change.columns)}".rstrip()
            for change in found.changes
            if change.what != "unchanged"
        ]
        lines += [f"missing {uid}" for uid in found.missing]
        for line in lines[:SHOWN]:
            self.stdout.write(line)
        if len(lines) > SHOWN:
            self.stdout.write(f"and {len(lines) - SHOWN:,} more")
