# SPDX-License-Identifier: Apache-2.0
"""Write the readings of a span into a file, Parquet or CSV, a day at a time. Every export is in the audit."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rest_framework.exceptions import ValidationError

from smartcity.api.audit import Actor
from smartcity.api.views import instant
from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import clock
from smartcity.telemetry import exporting
from smartcity.telemetry.breaking_off import BreakingOff
from smartcity.telemetry.engines import Unavailable
from smartcity.telemetry.exporting import Selection, Taken
from smartcity.telemetry.headway import Headway
from smartcity.telemetry.portable import BadFile


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--from", required=True, dest="from_at", metavar="INSTANT", help="ISO 8601 with an offset")
        parser.add_argument("--to", required=True, dest="to_at", metavar="INSTANT", help="the first instant left out")
        parser.add_argument("--format", choices=["parquet", "csv"], default="csv", dest="form")
        parser.add_argument("--series", type=int, nargs="+", default=[], metavar="ID")
        parser.add_argument("--domain", default="")
        parser.add_argument("--metric", default="")
        parser.add_argument("--zone", default="", metavar="CODE")
        parser.add_argument("--personal", action="store_true", help="personal data too; needs a --reason")
        parser.add_argument("--reason", default="", help="why; stands in the audit")
        parser.add_argument("--replace", action="store_true", help="even if the file is there")

    def handle(self, *, file: Path, from_at: str, to_at: str, form: str, **given: Any) -> None:
        if given["personal"] and not given["reason"].strip():
            raise CommandError("Personal data leave with a reason: say --reason, it stands in the audit.")
        from_ms, to_ms = _ms(from_at, "--from"), _ms(to_at, "--to")
        if from_ms >= to_ms:
            raise CommandError("--to must be later than --from.")
        asked = {name: given[name] for name in ("series", "domain", "metric", "zone", "personal")}
        self._export(Selection(from_ms=from_ms, to_ms=to_ms, **asked), file, form, given)

    def _export(self, wanted: Selection, file: Path, form: str, given: dict[str, Any]) -> None:
        anchor = clocks.load(settings.VAR / "clock.json")
        if anchor:
            clock.adopt(anchor)  # so that a file of a simulated city says so
        progress = Headway(sys.stderr)
        try:
            with BreakingOff() as breaking_off:
                watched, by = breaking_off.watching(progress), Actor(getpass.getuser())
                more = {"reason": given["reason"], "replace": given["replace"]}
                taken = exporting.export(wanted, file, form, by, progress=watched, **more)
        except BadFile as no:
            raise CommandError(str(no)) from None
        except Unavailable as problem:
            raise CommandError(f"The store cannot be read just now ({problem}); no file was written.") from None
        except KeyboardInterrupt:
            raise CommandError("Broken off; no file was written.", returncode=130) from None
        progress.end(taken.rows)
        self._tell(taken, file)

    def _tell(self, taken: Taken, file: Path) -> None:
        self.stdout.write(f"{taken.rows:,} readings of {taken.series:,} series are in {file}")
        if taken.personal:
            names = ", ".join(sorted(taken.personal))
            self.stdout.write(f"Left out, because they are personal data (--personal takes them too): {names}")
        if taken.undeclared:
            names = ", ".join(sorted(taken.undeclared))
            self.stdout.write(f"Left out, because no installed domain declares them: {names}")


def _ms(text: str, name: str) -> int:
    try:
        return instant(text, name)
    except ValidationError:
        raise CommandError(f"{name}: write ISO 8601 with an offset, for example 2026-11-19T16:42Z.") from None
