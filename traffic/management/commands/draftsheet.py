# SPDX-License-Identifier: Apache-2.0
"""Draw up a junction's timing sheet from a signal of any SUMO network; it stays a draft until an engineer signs it."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from django.core.management.base import BaseCommand, CommandError

from smartcity.api.access import EVERYWHERE
from smartcity.api.audit import Actor
from traffic import sheets
from traffic.engineering import from_net
from traffic.engineering.check import findings
from traffic.street import net


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="NET", help="a SUMO network (.net.xml)")
        parser.add_argument("--signal", default="", help="which of its signals; without it they are listed")
        parser.add_argument("--junction", default="", metavar="UID", help="the intersection of the city it is for")

    def handle(self, *, file: str, signal: str, junction: str, **options: Any) -> None:
        try:
            found = {sheet.intersection: sheet for sheet in from_net.drafts(net.read(Path(file)))}
        except (OSError, ParseError, KeyError, ValueError, net.NoSumo) as problem:
            raise CommandError(f"{file} cannot be read as a SUMO network: {problem}") from None
        if not signal or not junction:
            for name, sheet in found.items():
                kinds = f"{len(sheet.groups)} groups, {len(sheet.stages)} stages, {len(findings(sheet))} findings"
                self.stdout.write(f"{name}: {kinds}")
            return
        place = sheets.intersection(junction, EVERYWHERE)
        if signal not in found or place is None:
            lacking = f"the network has no signal {signal}" if signal not in found else f"there is no {junction}"
            raise CommandError(f"Nothing was drawn up: {lacking}.")
        sheet = replace(found[signal], intersection=junction, name=place.name)
        row = sheets.save(place, sheet, f"{Path(file).name}, signal {signal}"[:200], Actor(getpass.getuser()))
        self.stdout.write(f"Version {row.version} of {junction} is a draft with {len(findings(sheet))} findings.")
