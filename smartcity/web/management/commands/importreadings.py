# SPDX-License-Identifier: Apache-2.0
"""Take the readings of a file, Parquet or CSV, into the store. Importing a file twice changes nothing."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from smartcity.api.audit import Actor
from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import clock
from smartcity.telemetry import importing
from smartcity.telemetry.breaking_off import BreakingOff
from smartcity.telemetry.engines import Unavailable
from smartcity.telemetry.headway import Headway
from smartcity.telemetry.importing import Found, Imported, Places
from smartcity.telemetry.portable import BadFile, Reader
from smartcity.telemetry.store import Store

AGAIN = "Start it again: what is there already changes nothing."


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--skip-unknown", action="store_true", help="leave out rows of series this city lacks")
        parser.add_argument("--dry-run", action="store_true", help="look at the whole file; change nothing")
        parser.add_argument("--reason", default="", help="why; stands in the audit")

    def handle(self, *, file: Path, skip_unknown: bool, dry_run: bool, reason: str, **options: Any) -> None:
        anchor = clocks.load(settings.VAR / "clock.json")
        if anchor:
            clock.adopt(anchor)  # retention of a simulated city is shorter
        with BreakingOff() as breaking_off:
            self._import(file, breaking_off, reason, skip_unknown=skip_unknown, dry_run=dry_run)

    def _import(self, file: Path, breaking_off: BreakingOff, reason: str, *, skip_unknown: bool, dry_run: bool) -> None:
        try:
            source, places = importing.reader(file), Places()
            looking = Headway(sys.stderr)
            found = importing.look(source, places, clock.now_ms(), breaking_off.watching(looking))
            if not skip_unknown:
                importing.refuse_unknown(found)
        except BadFile as no:
            raise CommandError(str(no)) from None
        except KeyboardInterrupt:
            raise CommandError("Broken off; nothing was imported.", returncode=130) from None
        looking.end(found.rows)
        if dry_run:
            unknown = sum(found.unknown.values())
            self.stdout.write(f"{found.rows - unknown:,} of {found.rows:,} rows would be taken. Nothing was changed.")
            return
        told = Imported()
        try:
            self._write(source, places, told, found, breaking_off)
        finally:
            importing.write_down(file, told, found, Actor(getpass.getuser()), reason)
        self._tell(told)

    def _write(self, source: Reader, places: Places, told: Imported, found: Found, breaking_off: BreakingOff) -> None:
        store, progress = Store(closes=False), Headway(sys.stderr)
        try:
            importing.write(source, places, store, told, found, clock.now_ms(), breaking_off.watching(progress))
            progress.end(told.rows)
            self.stderr.write("Bringing rollups up to date", self.style.NOTICE)
            store.mend_all(between=breaking_off.here)
        except (BadFile, Unavailable) as problem:
            raise CommandError(f"{_far(told, found)} ({problem}). {AGAIN}") from None
        except KeyboardInterrupt:
            raise CommandError(f"{_far(told, found)}. {AGAIN}", returncode=130) from None
        finally:
            store.close()

    def _tell(self, told: Imported) -> None:
        self.stdout.write(f"{told.stored:,} of {told.rows:,} readings are new, {told.duplicate:,} were there already")
        words = {
            "conflicting": "have another value than the city has for their instant; the city's stays",
            "not_kept": "are past their metric's retention, or more than it keeps",
            "left_out": "are of series this city does not have",
        }
        for name, meaning in words.items():
            if many := getattr(told, name):
                self.stdout.write(f"{many:,} were not taken: they {meaning}")


def _far(told: Imported, found: Found) -> str:
    return f"Broken off after {told.rows:,} of {found.rows:,} rows, of which {told.stored:,} were new and are stored"
