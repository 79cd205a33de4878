# SPDX-License-Identifier: Apache-2.0
"""Break something on the simulated street: pull a detector's plug, cut a cabinet's line, put its clock wrong; mend it.

manage.py twinfault detector A-012            no more counts of this approach, for ten minutes
manage.py twinfault line K-003                the cabinet hears no centre any more
manage.py twinfault clock K-003 --by 90       its clock jumps ninety seconds ahead, and back at the end
manage.py twinfault mend                      everything is whole again
"""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from smartcity.api.audit import Actor, record
from smartcity.devices.models import Asset
from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import clock
from traffic.street.faults import FILE, Wish, read

KINDS = {"detector": "approach", "line": "intersection", "clock": "intersection"}


class Command(BaseCommand):
    help = __doc__

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, **kwargs, formatter_class=RawDescriptionHelpFormatter)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=[*KINDS, "mend"])
        parser.add_argument("asset", nargs="?", default="", help="the approach or the junction")
        parser.add_argument("--for", type=int, default=600, dest="lasts_s", metavar="S", help="city seconds (600)")
        parser.add_argument("--by", type=int, default=60, dest="by_s", metavar="S", help="the clock is off by (60)")

    def handle(self, **given: Any) -> None:
        path = Path(settings.VAR) / "street" / FILE
        anchor = clocks.load(Path(settings.VAR) / "clock.json")
        if anchor is not None:
            clock.adopt(anchor)
        if not clock.is_simulation:
            raise CommandError("Only a SIMULATION has a street that can be broken.")
        before = read(path)
        after = () if given["what"] == "mend" else (*_others(before, given), _wish(given))
        with transaction.atomic():
            record(
                Actor(getpass.getuser()),
                "twin.fault",
                given["asset"] or "street",
                before=_rows(before),
                after=_rows(after),
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(_rows(after)))
        fresh.replace(path)
        self.stdout.write(_words(given))


def _wish(given: dict[str, Any]) -> Wish:
    kind = KINDS[given["what"]]
    if not Asset.objects.filter(uid=given["asset"], domain="traffic", kind=kind).exists():
        raise CommandError(f"There is no {kind} {given['asset']!r} in traffic.")
    by_s = given["by_s"] if given["what"] == "clock" else 0
    return Wish(given["what"], given["asset"], clock.now_ms() // 1000 + given["lasts_s"], by_s)


def _others(wishes: tuple[Wish, ...], given: dict[str, Any]) -> list[Wish]:
    return [wish for wish in wishes if (wish.what, wish.uid) != (given["what"], given["asset"])]


def _rows(wishes: tuple[Wish, ...]) -> list[dict[str, Any]]:
    return [asdict(wish) for wish in wishes]


def _words(given: dict[str, Any]) -> str:
    if given["what"] == "mend":
        return "Everything on the street is whole again."
    done = {"detector": "is unplugged", "line": "hears no centre", "clock": f"has its clock {given['by_s']:+d} s off"}
    return f"{given['asset']} {done[given['what']]} for {given['lasts_s']} s; manage.py twinfault mend ends it."
