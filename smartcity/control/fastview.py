# SPDX-License-Identifier: Apache-2.0
"""What one round of a fast loop may know: who there is, what is granted, whose hand is on what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from time import monotonic

from smartcity.control import grants, judging, lifecycle, safety, situations, standing
from smartcity.control.instants import instant
from smartcity.control.kinds import kinds
from smartcity.control.models import Command
from smartcity.control.situations import Facts, Roster
from smartcity.devices.models import Asset
from smartcity.kernel.clock import CityClock
from smartcity.kernel.control import Loop, Mode, Priority, Setpoint

ROSTER_S = 5.0  # wall: what is signed and announced may be so old


@dataclass(slots=True)
class View:
    """What one round may know."""

    now_ms: int
    facts: Mapping[str, Facts]
    modes: Mapping[int, Mode]
    tags: Mapping[int, str]
    held: Collection[int]
    is_simulation: bool
    free: dict[str, Facts] = field(default_factory=dict)


class Lookout:
    """Looks around for one loop; who stands there is read again every few seconds only."""

    def __init__(self, loop: Loop, city: CityClock) -> None:
        self._loop = loop
        self._city = city
        self._roster: Roster | None = None
        self._roster_until = 0.0

    def look(self, now_ms: int) -> View:
        if self._roster is None or monotonic() >= self._roster_until:
            assets = Asset.objects.filter(
                domain=self._loop.domain, kind__in=kinds(self._loop), missing_since__isnull=True
            )
            self._roster, self._roster_until = situations.roster(assets), monotonic() + ROSTER_S
        is_simulation = self._city.is_simulation
        facts = situations.facts(self._roster, now_ms, is_simulation=is_simulation)
        zones = {f.asset.zone_id for f in facts.values()}
        pks = list(self._roster.assets)
        view = View(
            now_ms,
            facts,
            grants.current(self._loop, zones, instant(now_ms), is_simulation=is_simulation),
            standing.tags(pks),
            _held(pks, now_ms),
            is_simulation,
        )
        view.free = {uid: f for uid, f in facts.items() if _may_be_granted(f, view)}
        return view

    def look_again(self, view: View) -> None:
        """Inside the transaction of the round: what a person has changed since, and can change only after it."""
        zones = {f.asset.zone_id for f in view.facts.values()}
        now = instant(view.now_ms)
        view.modes = grants.current(self._loop, zones, now, is_simulation=view.is_simulation, lock=True)
        view.held = _held([f.asset.pk for f in view.facts.values()], view.now_ms)
        view.free = {uid: f for uid, f in view.free.items() if _may_be_granted(f, view)}


def _may_be_granted(facts: Facts, view: View) -> bool:
    """Automatic, signed, nobody's hand or tag on it, and its device in reach."""
    if view.modes[facts.asset.zone_id] is not Mode.AUTO or not facts.signed_by or facts.asset.pk in view.held:
        return False
    wish = Setpoint(asset=facts.asset.uid, point=safety.LEASE, value=Mode.AUTO.value, reason="grant", expires_in_s=1)
    return not judging.forbidden(wish, facts, view.tags, is_simulation=view.is_simulation)


def _held(assets: Collection[int], now_ms: int) -> set[int]:
    """Assets on which somebody stronger than a loop holds any point."""
    claims = Command.objects.filter(
        asset__in=assets,
        priority__lt=Priority.OPTIMISER,
        state__in=lifecycle.HOLDING,
        released_at__isnull=True,
        expires_at__gt=instant(now_ms),
    )
    return set(claims.exclude(point=safety.LEASE).values_list("asset", flat=True))
