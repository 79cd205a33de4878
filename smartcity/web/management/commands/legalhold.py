# SPDX-License-Identifier: Apache-2.0
"""Set, list and lift legal holds: what one is on is not deleted when its life is over."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rest_framework.exceptions import ValidationError

from smartcity.api.access import EVERYWHERE
from smartcity.api.audit import Actor
from smartcity.api.views import instant, moment
from smartcity.devices.models import LegalHold
from smartcity.telemetry import holds
from smartcity.telemetry.holds import BadHold, Wanted


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        one = what.add_parser("set", help="set a hold; what is named narrows it")
        one.add_argument("--owner", required=True, help="who asked for it and answers for it")
        one.add_argument("--reason", required=True)
        one.add_argument("--from", required=True, dest="from_at", metavar="INSTANT", help="ISO 8601 with an offset")
        one.add_argument("--to", default="", dest="to_at", metavar="INSTANT", help="default: until it is lifted")
        one.add_argument("--domain", default="")
        one.add_argument("--zone", default="", metavar="CODE")
        one.add_argument("--series", type=int, nargs="+", default=[], metavar="ID")
        lift = what.add_parser("lift", help="end a hold; what it kept goes with the next retention")
        lift.add_argument("number", type=int)
        lift.add_argument("--reason", required=True)
        what.add_parser("list", help="those in force")

    def handle(self, *, what: str, **given: Any) -> None:
        try:
            {"set": self._set, "lift": self._lift, "list": self._list}[what](given)
        except BadHold as no:
            raise CommandError(str(no)) from None

    def _set(self, given: dict[str, Any]) -> None:
        names = ("owner", "reason", "domain", "zone", "series")
        from_at, to_at = _moment(given["from_at"], "--from"), given["to_at"] and _moment(given["to_at"], "--to")
        wanted = Wanted(**{name: given[name] for name in names}, from_at=from_at, to_at=to_at or None)
        hold = holds.set_hold(wanted, Actor(getpass.getuser()), EVERYWHERE)
        self.stdout.write(f"Hold {hold.pk} is set.")

    def _lift(self, given: dict[str, Any]) -> None:
        holds.lift(given["number"], given["reason"], Actor(getpass.getuser()), EVERYWHERE)
        self.stdout.write(f"Hold {given['number']} is lifted; what it kept goes with the next retention.")

    def _list(self, given: dict[str, Any]) -> None:
        rows = LegalHold.objects.filter(lifted_at=None).order_by("pk")
        for row in rows:
            until = f"{row.to_at:%Y-%m-%dT%H:%MZ}" if row.to_at else "it is lifted"
            named = [row.domain, row.zone, *(f"series {number}" for number in row.series)]
            on = ", ".join(word for word in named if word) or "everything"
            self.stdout.write(
                f"{row.pk:4} on {on} from {row.from_at:%Y-%m-%dT%H:%MZ} until {until}: {row.owner}, {row.reason}"
            )
        if not rows:
            self.stdout.write("No hold is in force.")


def _moment(text: str, name: str) -> datetime:
    try:
        return moment(instant(text, name))
    except ValidationError:
        raise CommandError(f"{name}: write ISO 8601 with an offset, for example 2026-11-19T16:42Z.") from None
