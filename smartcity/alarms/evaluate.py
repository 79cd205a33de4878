# SPDX-License-Identifier: Apache-2.0
"""The tick of the alarms: latest values and last messages in, changed alarms out. Never part of storing a reading.

What stands is in the table and read again each tick, so a restart changes nothing but that running delays begin at
what the store still knows of them.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any, Final

import numpy as np
from django.db import transaction

from smartcity.alarms import notices, recall, roster, rules, shapes, silence, standing
from smartcity.alarms.models import Alarm
from smartcity.alarms.roster import Roster, Watch
from smartcity.alarms.silence import Decision, Place
from smartcity.alarms.standing import Raise, Row
from smartcity.alarms.thread import OwnThread
from smartcity.kernel.clock import clock
from smartcity.telemetry import read

Items = list[dict[str, Any]]
ROSTER_EVERY_S: Final = 30.0
GRACE_S: Final = 60.0
OVERLAP_S: Final = 60.0
TOGETHER_WITHIN_MS: Final = 15 * 60 * 1000


class Evaluator:
    """`await tick(now_ms)` about every second; `on_change` gets the changed alarms as the live view shows them.

    `grace_s` wall seconds after the start nobody is called silent: devices need a moment to connect again.
    """

    def __init__(self, on_change: Callable[[Items], None] | None = None, *, grace_s: float = GRACE_S) -> None:
        self.on_change = on_change
        self._grace_s = grace_s
        self._thread = OwnThread("alarms")
        self._roster = Roster()
        self._loaded_at = float("-inf")
        self._is_simulation: bool | None = None
        self._listening_since_ms: int | None = None
        self._told: dict[int, int] | None = None

    async def tick(self, now_ms: int) -> None:
        items = await self._thread.run(self.sweep, now_ms)
        if items and self.on_change is not None:
            self.on_change(items)

    async def close(self) -> None:
        await self._thread.close()

    def reload(self) -> None:
        """Read the roster again at the next tick; after an import or a change of engineering data."""
        self._loaded_at = float("-inf")

    def sweep(self, now_ms: int) -> Items:
        """One tick, synchronously: judge, write, and say what changed."""
        is_simulation, speed = clock.is_simulation, clock.speed
        if self._listening_since_ms is None:
            self._listening_since_ms = now_ms + int(1000 * self._grace_s * speed)
        stands = standing.standing()
        self._refresh(is_simulation, stands, now_ms)
        raised, cleared = self._conditions(stands, now_ms)
        decisions = self._silence(stands, now_ms, speed)
        cleared |= _orphans(stands, self._roster)
        with transaction.atomic():
            standing.unshelve_due(now_ms)
            standing.clear_all(cleared, now_ms)
            made = standing.raise_all(raised, now_ms, simulated=is_simulation)
            for place, decision in decisions.items():
                made += self._apply(place, decision, stands, now_ms, is_simulation)
            notices.owe(made)
        return self._news(now_ms, speed)

    def _refresh(self, is_simulation: bool, stands: list[Row], now_ms: int) -> None:
        if monotonic() - self._loaded_at < ROSTER_EVERY_S and is_simulation == self._is_simulation:
            return
        self._roster = roster.load(self._roster, is_simulation=is_simulation)
        self._loaded_at, self._is_simulation = monotonic(), is_simulation
        active = {(row.rule, row.asset) for row in stands}
        recall.begin(self._roster.watches, active, now_ms)

    def _conditions(self, stands: list[Row], now_ms: int) -> tuple[list[Raise], set[int]]:
        latest = read.latest(self._roster.series)
        active = {(row.rule, row.asset): row.pk for row in stands if row.asset is not None}
        raised: list[Raise] = []
        cleared: set[int] = set()
        for watch in self._roster.watches:
            watch.look(latest)
            mine = np.array([(watch.rule.name, asset) in active for asset in watch.assets.tolist()], np.bool_)
            rises, ends = watch.advance(mine, now_ms)
            raised += [self._raise(watch, row) for row in np.flatnonzero(rises).tolist()]
            cleared |= {active[watch.rule.name, int(watch.assets[row])] for row in np.flatnonzero(ends).tolist()}
        return raised, cleared

    def _raise(self, watch: Watch, row: int) -> Raise:
        return Raise(
            rule=watch.rule,
            severity=watch.rule.severity,
            asset=self._roster.known[int(watch.assets[row])],
            value=watch.values[row],
            unit=rules.unit_of(watch.rule),
            series=watch.series[row],
        )

    def _silence(self, stands: list[Row], now_ms: int, speed: float) -> dict[Place, Decision]:
        who = self._roster
        found = read.last_seen(who.devices.tolist())
        self._last_seen = np.array([found.get(device, 0) for device in who.devices.tolist()], np.int64)
        limits = silence.limits_ms(who.every_s, speed)
        fell, heard = silence.silent(self._last_seen, limits, now_ms, self._listening_since_ms or now_ms)
        quiet = frozenset(who.speaks_for[fell].tolist())
        places = {pk: asset.place for pk, asset in who.known.items()}
        quiet_by = silence.by_place(places, quiet)
        heard_by = silence.by_place(places, frozenset(who.speaks_for[heard].tolist()) - quiet)
        stand_by = _silences(stands, who, now_ms)
        concerned = quiet_by.keys() | stand_by.keys()
        nobody: frozenset[int] = frozenset()
        decisions = {
            place: silence.decide(
                quiet_by.get(place, nobody), heard_by.get(place, nobody), stand_by.get(place, silence.Standing())
            )
            for place in concerned
        }
        return {place: decision for place, decision in decisions.items() if _changes(decision, stand_by.get(place))}

    def _apply(
        self, place: Place, decision: Decision, stands: list[Row], now_ms: int, is_simulation: bool
    ) -> list[Alarm]:
        """Write one place's decision; the alarms that were made."""
        own = {row.asset: row.pk for row in stands if row.rule == rules.SILENT.name and row.place == place}
        common = next((r.pk for r in stands if r.rule == rules.MANY_SILENT.name and r.place == place), None)
        standing.clear_all([own[asset] for asset in decision.clear_single if asset in own], now_ms)
        made = standing.raise_all(
            [self._raise_silent(asset, now_ms) for asset in sorted(decision.raise_single)],
            now_ms,
            simulated=is_simulation,
        )
        members = sorted(self._roster.known[asset].uid for asset in decision.group or () if asset in self._roster.known)
        if common is not None and decision.group is None:
            standing.clear_all([common], now_ms)
        elif common is not None:
            standing.set_members(common, place, members, now_ms)
        elif members:
            kinds = {self._roster.known[asset].kind for asset in decision.group or ()}
            severity = min(rules.silence_severity(kind, place.domain, many=True) for kind in kinds)
            made += standing.raise_group(place, members, severity, now_ms, simulated=is_simulation)
        return made

    def _raise_silent(self, asset: int, now_ms: int) -> Raise:
        known = self._roster.known[asset]
        seen = self._last_seen[self._roster.speaks_for == asset]
        quiet_s = (now_ms - int(seen[seen > 0].min())) / 1000
        value, unit = (quiet_s, "s") if quiet_s < 120 else (quiet_s / 60, "min")
        severity = rules.silence_severity(known.kind, known.place.domain)
        return Raise(rule=rules.SILENT, severity=severity, asset=known, value=value, unit=unit)

    def _news(self, now_ms: int, speed: float) -> Items:
        """What changed since it was last told, by whomever: this tick, a person, another process."""
        rows = Alarm.objects.select_related("asset", "zone")
        if self._told is None:
            self._told = {}
            rows = rows.filter(cleared_at=None)
        else:
            rows = rows.filter(changed__gt=now_ms - int(1000 * OVERLAP_S * max(1.0, speed)))
        found = [row for row in rows if self._told.get(row.pk) != row.changed]
        self._told |= {row.pk: row.changed for row in found}
        oldest = now_ms - int(2000 * OVERLAP_S * max(1.0, speed))
        self._told = {pk: changed for pk, changed in self._told.items() if changed > oldest}
        return [shapes.live(row) for row in found]


def _silences(stands: list[Row], who: Roster, now_ms: int) -> dict[Place, silence.Standing]:
    by_uid = {asset.uid: pk for pk, asset in who.known.items()}
    found: dict[Place, silence.Standing] = {}
    for row in stands:
        was = found.get(row.place, silence.Standing())
        if row.rule == rules.MANY_SILENT.name:
            members = frozenset(by_uid[uid] for uid in row.members if uid in by_uid)
            found[row.place] = silence.Standing(was.single, was.recent, members)
        elif row.rule == rules.SILENT.name and row.asset in who.known:
            one = frozenset({row.asset})
            is_young = now_ms - row.raised_at_ms < TOGETHER_WITHIN_MS
            may_join = is_young and not row.is_acknowledged and not row.is_shelved
            recent = was.recent | one if may_join else was.recent
            found[row.place] = silence.Standing(was.single | one, recent, was.group)
    return found


def _changes(decision: Decision, was: silence.Standing | None) -> bool:
    stood = was.group if was else None
    return bool(decision.raise_single or decision.clear_single or decision.group != stood)


def _orphans(stands: list[Row], who: Roster) -> set[int]:
    """Alarms whose asset or rule is no longer watched: retired, missing, no longer declared, or of another mode."""
    watched = {(watch.rule.name, asset) for watch in who.watches for asset in watch.assets.tolist()}
    watched |= {(rules.SILENT.name, asset) for asset in who.speaks_for.tolist()}
    return {row.pk for row in stands if row.asset is not None and (row.rule, row.asset) not in watched}
