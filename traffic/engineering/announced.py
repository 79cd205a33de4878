# SPDX-License-Identifier: Apache-2.0
"""A draft from what a cabinet announces: stages, conflicts, intergreens, plan; what it does not say is estimated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from math import ceil
from typing import Any

from traffic.engineering.check_groups import WALKING_MS
from traffic.engineering.sheet import (
    Approach,
    Detector,
    Group,
    Index,
    Intergreen,
    Kind,
    Lane,
    Movement,
    Pair,
    Plan,
    Right,
    Sheet,
    Split,
    Stage,
    Turn,
)

LANE_M = 3.25
WALK_S = 5.0
ASSUMED = ("approaches", "movements", "conflicts", "crossings", "detectors")


class NotAnnounced(Exception):
    """The cabinet has not announced enough; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Arm:
    """An approach as the map knows it."""

    uid: str
    name: str
    heading: float
    speed_kmh: float | None
    lanes: int
    length_m: float


@dataclass(frozen=True, slots=True)
class _Lanes:
    """Lanes of one approach that the same stages serve."""

    arm: Arm
    lanes: int
    rates: Mapping[int, float]


def draft(uid: str, name: str, announced: Mapping[str, Any], arms: Sequence[Arm]) -> Sheet:
    """Raises NotAnnounced. Groups are named V1, V2 … and F1, F2 … in the order of the approaches."""
    try:
        return _draft(uid, name, announced, arms)
    except (KeyError, TypeError, ValueError, AttributeError) as lacking:
        raise NotAnnounced(f"The cabinet's announcement cannot be read as a stage table ({lacking}).") from None


def _draft(uid: str, name: str, announced: Mapping[str, Any], arms: Sequence[Arm]) -> Sheet:
    if not announced.get("stages"):
        raise NotAnnounced("The cabinet has not announced its stages yet.")
    driven = _driven(announced, arms)
    vehicles = {f"V{place}": lanes for place, lanes in enumerate(driven, start=1)}
    crossed = [arm for arm in arms if announced["approaches"].get(arm.uid, {}).get("crossing")]
    on_foot = {f"F{place}": arm for place, arm in enumerate(crossed, start=1)}
    stages = _stages(announced, vehicles, on_foot)
    groups = (
        *(_vehicle(n, v, announced) for n, v in vehicles.items()),
        *(_walk(n, arm, announced) for n, arm in on_foot.items()),
    )
    conflicts = _conflicts(announced, vehicles, on_foot, stages)
    intergreens = _intergreens(announced, groups, stages, conflicts)
    sheet = Sheet(
        intersection=uid,
        name=name,
        approaches=tuple(Approach(a.uid, a.name, a.heading, a.speed_kmh) for a in arms),
        lanes=tuple(_lanes(vehicles)),
        movements=tuple(Movement(f"M{n[1:]}", v.arm.uid, Turn.ANY, n) for n, v in vehicles.items()),
        groups=groups,
        stages=stages,
        conflicts=conflicts,
        intergreens=intergreens,
        detectors=tuple(Detector(f"D{n}", a.uid, "zone", 0.0) for n, a in enumerate(arms, start=1)),
        estimated=ASSUMED,
    )
    return _with_plan(sheet, announced)


def _driven(announced: Mapping[str, Any], arms: Sequence[Arm]) -> list[_Lanes]:
    found: list[_Lanes] = []
    for arm in arms:
        alike: dict[frozenset[int], list[Mapping[str, Any]]] = defaultdict(list)
        for row in announced["approaches"].get(arm.uid, {}).get("groups", ()):
            alike[frozenset(map(int, row["rates"]))].append(row)
        for rows in alike.values():
            rates = {int(stage): float(rate) for stage, rate in rows[0]["rates"].items()}
            found.append(_Lanes(arm, sum(int(row["lanes"]) for row in rows), rates))
    return found


def _stages(
    announced: Mapping[str, Any], vehicles: Mapping[str, _Lanes], on_foot: Mapping[str, Arm]
) -> tuple[Stage, ...]:
    found = []
    for row in announced["stages"]:
        number = int(row["number"])
        green = [name for name, lanes in vehicles.items() if lanes.rates.get(number)]
        green += [name for name, arm in on_foot.items() if not float(row["serves"].get(arm.uid, 0.0))]
        found.append(Stage(number, str(row["name"]), tuple(green)))
    return tuple(found)


def _vehicle(name: str, lanes: _Lanes, announced: Mapping[str, Any]) -> Group:
    gives_way = any(rate < 1.0 for rate in lanes.rates.values())
    return Group(
        name,
        Kind.VEHICLE,
        lanes.arm.uid,
        Right.PERMISSIVE if gives_way else Right.PROTECTED,
        min_green_s=float(announced["min_green_s"]),
        max_red_s=float(announced["max_red_s"]),
        yellow_s=float(announced["yellow_s"]),
        all_red_s=float(announced["all_red_s"]),
    )


def _walk(name: str, arm: Arm, announced: Mapping[str, Any]) -> Group:
    """The crossing of an approach: its lanes and as many the other way."""
    width = 2 * LANE_M * max(1, arm.lanes)
    return Group(
        name,
        Kind.PEDESTRIAN,
        arm.uid,
        min_green_s=0.0,
        max_red_s=float(announced["max_red_s"]),
        yellow_s=0.0,
        all_red_s=0.0,
        walk_s=WALK_S,
        clearance_s=float(ceil(width / WALKING_MS)),
        width_m=width,
    )


def _lanes(vehicles: Mapping[str, _Lanes]) -> list[Lane]:
    return [
        Lane(f"{name}.{number}", lanes.arm.uid, (Turn.ANY,), lanes.arm.length_m)
        for name, lanes in vehicles.items()
        for number in range(1, lanes.lanes + 1)
    ]


def _conflicts(
    announced: Mapping[str, Any], vehicles: Mapping[str, _Lanes], on_foot: Mapping[str, Arm], stages: Sequence[Stage]
) -> tuple[Pair, ...]:
    """Groups never green together whose stages the cabinet keeps apart, and a crossing with its own approach."""
    apart = {frozenset(map(int, pair)) for pair in announced["conflicts"]}
    shown = {name: {s.number for s in stages if name in s.green} for name in (*vehicles, *on_foot)}
    found = []
    for a, b in permutations(vehicles, 2):
        if a < b and not shown[a] & shown[b] and any(frozenset((i, j)) in apart for i in shown[a] for j in shown[b]):
            found.append(Pair(a, b))
    for walk, arm in on_foot.items():
        found += [
            Pair(name, walk) for name, lanes in vehicles.items() if lanes.arm is arm and not shown[name] & shown[walk]
        ]
    return tuple(found)


def _intergreens(
    announced: Mapping[str, Any], groups: Sequence[Group], stages: Sequence[Stage], conflicts: Sequence[Pair]
) -> tuple[Intergreen, ...]:
    """Between two vehicle groups the shortest the cabinet announces for their stages; after a walk its clearance."""
    by_name = {group.id: group for group in groups}
    shown = {name: [s.number for s in stages if name in s.green] for name in by_name}
    told = announced["intergreen_s"]
    found = []
    for ends, begins in [pair for row in conflicts for pair in ((row.a, row.b), (row.b, row.a))]:
        between = [
            float(told[str(i)][str(j)]) for i in shown[ends] for j in shown[begins] if str(j) in told.get(str(i), {})
        ]
        is_walk = by_name[ends].kind is Kind.PEDESTRIAN
        if between or is_walk:
            found.append(Intergreen(ends, begins, by_name[ends].clearance_s if is_walk else min(between)))
    return tuple(found)


def _with_plan(sheet: Sheet, announced: Mapping[str, Any]) -> Sheet:
    """The plan in the order of the announced stages, its cycle what greens and changes add up to."""
    told = announced.get("plan") or {}
    splits = tuple(Split(int(stage), float(green)) for stage, green in (told.get("green_s") or {}).items())
    if not splits:
        return sheet
    plan = Plan(int(told.get("number", 1)), "the cabinet's plan", 0.0, 0.0, splits)
    cycle = sum(split.green_s for split in splits) + sum(Index(sheet).changes_s(plan))
    return replace(sheet, plans=(replace(plan, cycle_s=round(cycle, 1)),))
