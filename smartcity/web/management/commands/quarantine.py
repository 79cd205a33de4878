# SPDX-License-Identifier: Apache-2.0
"""Show what devices said that could not be stored, and why; with --replay, try it again. It shows no bodies."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from smartcity.ingest import replaying
from smartcity.kernel import clock as clocks
from smartcity.telemetry import cipher, quarantine
from smartcity.telemetry.engines import Unavailable
from smartcity.telemetry.store import Store


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--device", default="", metavar="UID", help="of this device only")
        parser.add_argument("--kind", default="", help="of this kind only, for example 'unit mismatch'")
        parser.add_argument("--limit", type=int, default=10_000, help="the newest so many (10,000)")
        parser.add_argument("--replay", action="store_true", help="try again; what is sound now is stored and released")
        parser.add_argument("--rotate", action="store_true", help="write every body anew with the newest key")

    def handle(self, *, device: str, kind: str, limit: int, replay: bool, rotate: bool, **options: Any) -> None:
        store = Store(closes=False)
        try:
            if rotate:
                self._rotate(store)
                return
            rows = quarantine.rows(store.engine, uid=device, kind=kind, limit=limit)
            self._show(rows)
            if replay and rows:
                told = replaying.replay(store, rows, max(row["received_at"] for row in rows) or clocks.wall_ms())
                self.stdout.write(
                    f"{told.released} of {told.tried} were sound and have left; {told.stored} readings are new"
                )
                if told.held:
                    self.stdout.write(f"{told.held} were sound too and stay: a legal hold is on them")
                if told.without_body:
                    self.stdout.write(f"{told.without_body} could not be tried: their body is not kept, or locked")
        except cipher.Locked as problem:
            raise CommandError(f"{problem} List the old key too, after the new one, and try again.") from None
        except Unavailable as problem:
            raise CommandError(f"The telemetry database takes nothing just now ({problem}); try again.") from None
        finally:
            store.close()

    def _rotate(self, store: Store) -> None:
        total = after = 0
        while True:
            done, more = quarantine.rotate_some(store.engine, after)
            total += done
            if more is None:
                self.stdout.write(f"{total} bodies are written with the newest key")
                return
            after = more

    def _show(self, rows: list[dict[str, Any]]) -> None:
        many = Counter((row["kind"], row["reason"]) for row in rows)
        for (kind, reason), n in many.most_common():
            self.stdout.write(f"{n:6} {kind}: {reason}")
        self.stdout.write(f"{len(rows)} in quarantine" if rows else "Nothing is in quarantine.")
