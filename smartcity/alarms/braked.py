# SPDX-License-Identifier: Apache-2.0
"""Loops that were stopped: one alarm a domain, whatever the number of zones; it stands where it was raised."""

from __future__ import annotations

from collections.abc import Sequence

from smartcity.alarms import rules, standing
from smartcity.alarms.models import Alarm
from smartcity.alarms.standing import Row
from smartcity.kernel.alarms import PlaceFinding


def write(found: Sequence[PlaceFinding], stands: Sequence[Row], now_ms: int, *, simulated: bool) -> list[Alarm]:
    """In a transaction; the alarms that were made."""
    mine = {row.place.domain: row.pk for row in stands if row.rule == rules.BRAKED.name}
    new = {finding.domain: finding for finding in found if finding.domain not in mine}
    standing.clear_all([pk for domain, pk in mine.items() if domain not in {f.domain for f in found}], now_ms)
    made: list[Alarm] = []
    for finding in new.values():  # one for each loop that was stopped since the last tick: hardly ever one
        made += standing.raise_place(rules.BRAKED, finding, now_ms, simulated=simulated)
    return made
