# SPDX-License-Identifier: Apache-2.0
"""Keep what was measured in a span as the baseline of a figure, so that the ledger has something to compare with."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rest_framework.exceptions import ValidationError

from smartcity.api.audit import Actor
from smartcity.api.views import instant
from smartcity.control import baselines
from smartcity.control.refusals import Refused


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("domain")
        parser.add_argument("kpi", help="the figure's short name, as GET /api/v1/ledger/ gives it")
        parser.add_argument("--name", required=True, help="what the ledger calls it, for example 'spring 2026'")
        parser.add_argument("--from", required=True, dest="from_at", metavar="INSTANT", help="ISO 8601 with an offset")
        parser.add_argument("--to", required=True, dest="to_at", metavar="INSTANT", help="ISO 8601 with an offset")
        parser.add_argument("--design", required=True, help="how it was drawn: before/after, on/off days")
        parser.add_argument("--reason", required=True)

    def handle(self, **given: Any) -> None:
        try:
            row = baselines.store(
                given["domain"],
                given["kpi"],
                given["name"],
                _instant(given["from_at"], "--from"),
                _instant(given["to_at"], "--to"),
                design=given["design"],
                reason=given["reason"],
                by=Actor(getpass.getuser()),
            )
        except Refused as no:
            raise CommandError(no.message) from None
        self.stdout.write(f"{row.domain} {row.kpi} is compared with {row.name!r} from now on: {row.value:g} a day.")


def _instant(text: str, name: str) -> int:
    try:
        return instant(text, name)
    except ValidationError:
        raise CommandError(f"{name}: write ISO 8601 with an offset, for example 2026-11-19T16:42Z.") from None
