# SPDX-License-Identifier: Apache-2.0
"""The tick of the alarms: latest values and last messages in, changed alarms out. Never part of storing a reading.

What stands is in the table and read again each tick, so a restart changes nothing but that running delays begin at
what the store still knows of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from typing import Final

import numpy as np
from django.db import transaction

from smartcity import declared
from smartcity.alarms import braked, crowds, notices, recall, roster, rules, silence, skew, standing
from smartcity.alarms.condition import Ints
from smartcity.alarms.crowds import Changes
from smartcity.alarms.roster import Known, Roster, Watch
from smartcity.alarms.standing import Raise, Row
from smartcity.alarms.telling import Items, News
from smartcity.alarms.thread import OwnThread
from smartcity.kernel.alarms import ClocksOff, Finding, Findings, PlaceFinding, PlaceFindings, Watched
from smartcity.kernel.clock import clock
from smartcity.telemetry import read

logger = logging.getLogger(__name__)
ROSTER_EVERY_S: Final = 30.0
GRACE_S: Final = 60.0


def nothing_unproven(now_ms: int, is_simulation: bool) -> list[Finding]:
    return []


def nothing_stopped(now_ms: int, is_simulation: bool) -> list[PlaceFinding]:
    return []


def no_clock_off(speed: float) -> Mapping[int, float]:
    return {}


def anybody() -> None:
    """Whoever is the only process that judges need not insist."""


class Evaluator:
    """`await tick(now_ms)` about every second; `on_change` gets the changed alarms as the live view shows them.

    `unproven` says on which assets a command's effect was not measured, `stopped` which loops were stopped, `clocks`
    which devices' clocks are off. `insist` is called in the transaction that writes and raises where another process
    judges by now. `grace_s` wall seconds after the start nobody is called silent: devices need a moment to connect
    again.
    """

    def __init__(
        self,
        on_change: Callable[[Items], None] | None = None,
        *,
        unproven: Findings = nothing_unproven,
        stopped: PlaceFindings = nothing_stopped,
        insist: Callable[[], None] = anybody,
        clocks: ClocksOff = no_clock_off,
        grace_s: float = GRACE_S,
    ) -> None:
        self.on_change = on_change
        self._unproven = unproven
        self._stopped = stopped
        self._insist = insist
        self._clocks_off, self._skew = clocks, skew.Skew()
        self._grace_s = grace_s
        self._thread = OwnThread("alarms")
        self._roster = Roster()
        self._loaded_at = float("-inf")
        self._is_simulation: bool | None = None
        self._listening_since_ms: int | None = None
        self._news = News()

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
        for one in declared.watched():
            rises, ends = judged(one, stands, self._roster.known, now_ms)
            raised, cleared = raised + rises, cleared | ends
        many = [
            self._silence(stands, now_ms, speed),
            self._unproven_commands(stands, now_ms, is_simulation),
            self._clocks(stands, now_ms, speed),
        ]
        stopped = self._stopped(now_ms, is_simulation)
        cleared |= _orphans(stands, self._roster)
        with transaction.atomic():
            self._insist()
            standing.unshelve_due(now_ms)
            standing.clear_all(cleared, now_ms)
            made = standing.raise_all(raised, now_ms, simulated=is_simulation)
            for changes in many:
                made += crowds.write(changes, stands, self._roster.known, now_ms, simulated=is_simulation)
            made += braked.write(stopped, stands, now_ms, simulated=is_simulation)
            notices.owe(made)
        return self._news.look(now_ms, speed)

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

    def _silence(self, stands: list[Row], now_ms: int, speed: float) -> Changes:
        who = self._roster
        found = read.last_seen(who.devices.tolist())
        self._last_seen = np.array([found.get(device, 0) for device in who.devices.tolist()], np.int64)
        limits = silence.limits_ms(who.every_s, speed)
        fell, heard = silence.silent(self._last_seen, limits, now_ms, self._listening_since_ms or now_ms)
        quiet = frozenset(who.speaks_for[fell].tolist())
        good = frozenset(who.speaks_for[heard].tolist()) - quiet
        raised = partial(self._raise_silent, now_ms=now_ms)
        return crowds.judge(crowds.SILENT, stands, who.known, raised, now_ms, bad=quiet, good=good)

    def _raise_silent(self, asset: int, now_ms: int) -> Raise:
        known = self._roster.known[asset]
        seen = self._last_seen[self._roster.speaks_for == asset]
        quiet_s = (now_ms - int(seen[seen > 0].min())) / 1000
        value, unit = (quiet_s, "s") if quiet_s < 120 else (quiet_s / 60, "min")
        severity = rules.lost_severity(known.kind, known.place.domain)
        return Raise(rule=rules.SILENT, severity=severity, asset=known, value=value, unit=unit)

    def _unproven_commands(self, stands: list[Row], now_ms: int, is_simulation: bool) -> Changes:
        known = self._roster.known
        found = {f.asset: f for f in self._unproven(now_ms, is_simulation) if f.asset in known}
        raised = partial(_raise_unproven, known=known, found=found)
        return crowds.judge(crowds.UNPROVEN, stands, known, raised, now_ms, bad=frozenset(found))

    def _clocks(self, stands: list[Row], now_ms: int, speed: float) -> Changes:
        """Until it has listened for as long as the delay it cannot know whose clock is right again."""
        who, delay = self._roster, skew.delay_ms(speed)
        wrong = self._skew.judge(self._clocks_off(speed), now_ms, delay)
        off = {int(who.speaks_for[row]): wrong[int(who.devices[row])] for row in _rows(who.devices, wrong)}
        knows = now_ms - (self._listening_since_ms or now_ms) > delay
        raised = partial(skew.raised, known=who.known, off=off)
        good = None if knows else frozenset[int]()
        return crowds.judge(crowds.CLOCKS, stands, who.known, raised, now_ms, bad=frozenset(off), good=good)


def judged(one: Watched, stands: list[Row], known: Mapping[int, Known], now_ms: int) -> tuple[list[Raise], set[int]]:
    """What a domain judges itself: (what rises, rows that end). Its failure must not hold up the other alarms."""
    mine = {row.asset: row.pk for row in stands if row.rule == one.rule.name and row.asset is not None}
    try:
        findings = one.judge(now_ms, frozenset(mine))
    except Exception:
        logger.exception("%s could not be judged; what stands stays", one.rule.name)
        return [], set()
    if findings is None:
        return [], set()
    found = {finding.asset: finding for finding in findings if finding.asset in known}
    rises = [_raise_judged(one, known[asset], found[asset]) for asset in sorted(found.keys() - mine.keys())]
    return rises, {pk for asset, pk in mine.items() if asset not in found}


def _raise_judged(one: Watched, asset: Known, finding: Finding) -> Raise:
    text = f"{asset.name}: {finding.text}"[:300]
    return Raise(
        rule=one.rule, severity=one.rule.severity, asset=asset, value=finding.value, unit=finding.unit, text=text
    )


def _rows(devices: Ints, wanted: Mapping[int, float]) -> list[int]:
    return np.flatnonzero(np.isin(devices, list(wanted))).tolist() if wanted else []


def _raise_unproven(asset: int, known: Mapping[int, Known], found: Mapping[int, Finding]) -> Raise:
    one, finding = known[asset], found[asset]
    severity = rules.lost_severity(one.kind, one.place.domain)
    text = f"{one.name}: {finding.text}"
    return Raise(rule=rules.UNPROVEN, severity=severity, asset=one, value=finding.value, unit=finding.unit, text=text)


def _orphans(stands: list[Row], who: Roster) -> set[int]:
    """Alarms whose asset or rule is no longer watched: retired, missing, no longer declared, or of another mode."""
    watched = {(watch.rule.name, asset) for watch in who.watches for asset in watch.assets.tolist()}
    watched |= {(rules.SILENT.name, asset) for asset in who.speaks_for.tolist()}
    judged_apart = {rules.UNPROVEN.name, rules.CLOCK_OFF.name, *(one.rule.name for one in declared.watched())}
    return {
        row.pk
        for row in stands
        if row.asset is not None and (row.rule, row.asset) not in watched
        if row.rule not in judged_apart or row.asset not in who.known
    }
