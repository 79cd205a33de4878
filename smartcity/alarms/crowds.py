# SPDX-License-Identifier: Apache-2.0
"""Conditions of which many at once are one alarm: what stands of them, what is to change, and the change written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from smartcity.alarms import rules, standing, together
from smartcity.alarms.models import Alarm
from smartcity.alarms.roster import Known
from smartcity.alarms.standing import Raise, Row
from smartcity.alarms.together import Decision, Place, Standing
from smartcity.kernel.alarms import AlarmRule

TOGETHER_WITHIN_MS: Final = 15 * 60 * 1000
NOBODY: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Crowd:
    """The rule for one asset and the rule for a place with many of them."""

    one: AlarmRule
    many: AlarmRule


SILENT: Final = Crowd(rules.SILENT, rules.MANY_SILENT)
UNPROVEN: Final = Crowd(rules.UNPROVEN, rules.MANY_UNPROVEN)
CLOCKS: Final = Crowd(rules.CLOCK_OFF, rules.MANY_CLOCKS_OFF)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to change of one crowd, by place. `raised` says what the alarm of one asset carries."""

    crowd: Crowd
    decisions: Mapping[Place, Decision]
    raised: Callable[[int], Raise]


def judge(
    crowd: Crowd,
    stands: Sequence[Row],
    known: Mapping[int, Known],
    raised: Callable[[int], Raise],
    now_ms: int,
    *,
    bad: frozenset[int],
    good: frozenset[int] | None = None,
) -> Changes:
    """From the assets now in trouble and those out of it; without `good` whatever is not bad is out of it."""
    stand_by = _standing(crowd, stands, known, now_ms)
    if good is None:
        good = frozenset(a for s in stand_by.values() for a in s.single | (s.group or NOBODY)) - bad
    places = {asset: known[asset].place for asset in bad | good}
    bad_by, good_by = together.by_place(places, bad), together.by_place(places, good)
    found = {}
    for place in bad_by.keys() | stand_by.keys():
        was = stand_by.get(place, Standing())
        decision = together.decide(bad_by.get(place, NOBODY), good_by.get(place, NOBODY), was)
        if decision.raise_single or decision.clear_single or decision.group != was.group:
            found[place] = decision
    return Changes(crowd, found, raised)


def write(
    changes: Changes, stands: Sequence[Row], known: Mapping[int, Known], now_ms: int, *, simulated: bool
) -> list[Alarm]:
    """In a transaction; the alarms that were made."""
    crowd, made = changes.crowd, []
    for place, decision in changes.decisions.items():
        own = {row.asset: row.pk for row in stands if row.rule == crowd.one.name and row.place == place}
        standing.clear_all([own[asset] for asset in decision.clear_single if asset in own], now_ms)
        singles = [changes.raised(asset) for asset in sorted(decision.raise_single)]
        made += standing.raise_all(singles, now_ms, simulated=simulated)
        common = next((r.pk for r in stands if r.rule == crowd.many.name and r.place == place), None)
        made += _common(crowd, place, decision, common, known, now_ms, simulated)
    return made


def _common(
    crowd: Crowd,
    place: Place,
    decision: Decision,
    common: int | None,
    known: Mapping[int, Known],
    now_ms: int,
    simulated: bool,
) -> list[Alarm]:
    """The place's own alarm: ended, brought up to date, or made."""
    members = sorted(known[asset].uid for asset in decision.group or () if asset in known)
    if common is not None and decision.group is None:
        standing.clear_all([common], now_ms)
    elif common is not None:
        standing.set_members(common, crowd.many, place, members, now_ms)
    elif members:
        kinds = {known[asset].kind for asset in decision.group or ()}
        severity = min(rules.lost_severity(kind, place.domain, many=True) for kind in kinds)
        return standing.raise_group(crowd.many, place, members, severity, now_ms, simulated=simulated)
    return []


def _standing(crowd: Crowd, stands: Sequence[Row], known: Mapping[int, Known], now_ms: int) -> dict[Place, Standing]:
    by_uid = {asset.uid: pk for pk, asset in known.items()} if any(r.rule == crowd.many.name for r in stands) else {}
    found: dict[Place, Standing] = {}
    for row in stands:
        was = found.get(row.place, Standing())
        if row.rule == crowd.many.name:
            members = frozenset(by_uid[uid] for uid in row.members if uid in by_uid)
            found[row.place] = Standing(was.single, was.recent, members)
        elif row.rule == crowd.one.name and row.asset is not None and row.asset in known:
            one = frozenset({row.asset})
            is_young = now_ms - row.raised_at_ms < TOGETHER_WITHIN_MS
            may_join = is_young and not row.is_acknowledged and not row.is_shelved
            recent = was.recent | one if may_join else was.recent
            found[row.place] = Standing(was.single | one, recent, was.group)
    return found
