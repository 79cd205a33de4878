# SPDX-License-Identifier: Apache-2.0
"""Build the city from an OpenStreetMap extract, or bring it up to date with a newer one."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from smartcity.devices import importer, osm_read
from smartcity.devices.import_lock import Busy
from smartcity.devices.plan import BadDraft

HAPPENED = ("added", "changed", "unchanged", "missing")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="OpenStreetMap extract: .osm.pbf, .osm, .osm.gz or .osm.bz2")
        parser.add_argument("--demo", action="store_true", help="estimate what the map lacks and simulate every device")
        parser.add_argument("--replace", action="store_true", help="take this place although the city is another one")
        parser.add_argument("--describe", action="store_true", help="only count what the file holds; change nothing")

    def handle(self, *, file: Path, demo: bool, replace: bool, describe: bool, **options: Any) -> None:
        try:
            if describe:
                self._describe(file)
                return
            began = time.perf_counter()
            report = importer.import_city(file, demo=demo, replace=replace, say=self.stdout.write)
        except (osm_read.BadMap, BadDraft, Busy) as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(f"The city's database refused ({error}); run manage.py migrate and try again.") from None
        self._table(report)
        self.stdout.write(
            f"Imported in {time.perf_counter() - began:.1f} s; longest transaction "
            f"{report.longest_transaction_s * 1000:.0f} ms. Map data © OpenStreetMap contributors, ODbL."
        )
        if report.base_map:
            raise CommandError(f"The city is imported, but its base map could not be drawn: {report.base_map}")

    def _table(self, report: importer.Report) -> None:
        self.stdout.write(
            f"\n{report.town}: {report.roads:,} road pieces ({report.drivable_km:,.1f} km drivable), "
            f"{report.turns:,} forbidden turns, {report.zones} zones\n"
        )
        self.stdout.write(f"{'domain':<12}{'kind':<20}" + "".join(f"{word:>11}" for word in HAPPENED))
        for domain, kind in sorted({(domain, kind) for domain, kind, _ in report.counts}):
            numbers = "".join(f"{report.counts[domain, kind, word]:>11,}" for word in HAPPENED)
            self.stdout.write(f"{domain:<12}{kind:<20}{numbers}")

    def _describe(self, file: Path) -> None:
        extract = osm_read.scan(file)
        self.stdout.write(
            f"{len(extract.points):,} points, {len(extract.ways):,} ways, {len(extract.relations):,} relations"
        )
        for title, items in (
            ("nodes", extract.nodes),
            ("ways", extract.ways),
            ("relations", extract.relations),
        ):
            tags = Counter(f"{k}={v}" for item in items for k, v in item.tags.items() if len(v) < 30)
            keys = Counter(key for item in items for key in item.tags)
            self.stdout.write(f"\nkeys of {title}: " + ", ".join(f"{k} {n:,}" for k, n in keys.most_common(40)))
            self.stdout.write(f"tags of {title}: " + ", ".join(f"{k} {n:,}" for k, n in tags.most_common(60)))
