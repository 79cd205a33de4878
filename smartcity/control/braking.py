# SPDX-License-Identifier: Apache-2.0
"""The brake on a loop that asks too much: held to its budget a minute, then stopped until a person grants it again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db.models import QuerySet

from smartcity import declared
from smartcity.api.audit import Actor
from smartcity.control import grants, modes, releasing
from smartcity.control.brake import Brake, budget
from smartcity.control.instants import instant
from smartcity.control.kinds import kinds
from smartcity.control.models import Command, LoopMode
from smartcity.devices.models import Asset, Zone
from smartcity.kernel.alarms import PlaceFinding
from smartcity.kernel.control import Loop, Mode

log = logging.getLogger(__name__)

MINUTE: Final = timedelta(minutes=1)
THE_BRAKE: Final = Actor("the brake")


def on(loop: Loop, now_ms: int) -> Brake:
    """The brake for a round that begins now; two queries."""
    whole = budget(loop, _assets(loop).count())
    lately = Command.objects.filter(
        domain=loop.domain, issuer=releasing.issuer(loop), asset__isnull=False, created_at__gt=instant(now_ms) - MINUTE
    )
    return Brake(whole, whole - lately.count())


def _assets(loop: Loop) -> QuerySet[Asset]:
    return Asset.objects.filter(domain=loop.domain, kind__in=kinds(loop), missing_since__isnull=True)


def stop(loop: Loop, brake: Brake, now_ms: int, *, is_simulation: bool) -> None:
    """Back to local wherever the loop may do anything; each device is told, and a person must grant it again."""
    zones = {zone.pk: zone for zone in Zone.objects.filter(pk__in=_assets(loop).values("zone"))}
    current = grants.current(loop, zones.keys(), instant(now_ms), is_simulation=is_simulation)
    reason = f"it asked for {brake.asked:,} commands within a minute, its budget is {brake.budget:,}"
    log.error("the loop %s is stopped: %s", loop.name, reason)
    for pk in sorted(zone for zone, mode in current.items() if mode is not Mode.LOCAL):
        modes.set_mode(
            loop.name, zones[pk], Mode.LOCAL, by=THE_BRAKE, reason=reason, now_ms=now_ms, is_simulation=is_simulation
        )


def stopped(now_ms: int, is_simulation: bool) -> list[PlaceFinding]:
    """The loops that stand still because of the brake: one finding each, until somebody has set every zone again."""
    del now_ms, is_simulation
    rows: dict[str, list[LoopMode]] = {}
    for row in LoopMode.objects.filter(set_by=THE_BRAKE.name).select_related("zone").order_by("zone"):
        rows.setdefault(row.loop, []).append(row)
    return [_finding(loop, rows[name]) for name, loop in declared.loops().items() if name in rows]


def _finding(loop: Loop, rows: Sequence[LoopMode]) -> PlaceFinding:
    where = rows[0].zone.name if len(rows) == 1 else f"{len(rows)} zones"
    text = f"{loop.title} stopped: {rows[0].reason}; {grants.word(loop, Mode.LOCAL)} in {where}"
    return PlaceFinding(domain=loop.domain, zone=rows[0].zone_id, text=text)
