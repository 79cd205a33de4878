# SPDX-License-Identifier: Apache-2.0
"""How many assets of a zone a loop may act on by itself: those whose engineering data somebody answers for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from smartcity.control.kinds import kinds
from smartcity.control.situations import DEMO
from smartcity.devices.models import Asset
from smartcity.kernel.control import Loop


@dataclass(frozen=True, slots=True)
class Signed:
    """`assets` the loop could command in a zone, `signed` of them with a valid signature."""

    assets: int
    signed: int

    @property
    def why_not(self) -> str:
        """Why `auto` would do nothing there, or nothing."""
        if self.signed:
            return ""
        if not self.assets:
            return "There is nothing here that this loop commands."
        return f"None of the {self.assets} assets has engineering data with a valid signature; advice is possible."


NOTHING = Signed(0, 0)


def counts(loops: Collection[Loop], now: datetime, *, is_simulation: bool) -> Mapping[tuple[str, int], Signed]:
    """By loop name and zone id. Two queries, and one more for loops that do not name their kinds."""
    commanded = Asset.objects.filter(devices__retired_at__isnull=True, devices__simulated=is_simulation)
    if not is_simulation:
        commanded = commanded.filter(estimated=False, simulated=False)
    signatures = ~Q(engineering__signed_by="") & Q(engineering__is_current=True)
    signatures &= Q(engineering__valid_from__isnull=True) | Q(engineering__valid_from__lte=now)
    signatures &= Q(engineering__valid_until__isnull=True) | Q(engineering__valid_until__gt=now)
    if not is_simulation:
        signatures &= ~Q(engineering__signed_by=DEMO)
    everything = commanded.values_list("domain", "kind", "zone").annotate(n=Count("pk", distinct=True))
    all_ = {(domain, kind, zone): n for domain, kind, zone, n in everything}
    signed = {(domain, kind, zone): n for domain, kind, zone, n in everything.filter(signatures)}
    zones = {zone for _, _, zone in all_}
    return {
        (loop.name, zone): Signed(
            sum(all_.get((loop.domain, kind, zone), 0) for kind in mine),
            sum(signed.get((loop.domain, kind, zone), 0) for kind in mine),
        )
        for loop in loops
        for mine in [kinds(loop)]
        for zone in zones
    }
