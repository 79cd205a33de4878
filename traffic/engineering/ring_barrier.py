# SPDX-License-Identifier: Apache-2.0
"""The NEMA view of a sheet: rings and barriers, derived where the approaches allow it, checked against the stages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from traffic.engineering.findings import Finding, error
from traffic.engineering.sheet import Index, Kind, Right, RingBarrier, Sheet, Turn

OPPOSITE_DEG = 35.0


def check(index: Index) -> Iterator[Finding]:
    """In one ring one group at a time, and nothing green on both sides of a barrier."""
    view = index.sheet.ring_barrier
    if view is None:
        return
    places = _places(view)
    for name in sorted(set(places) - set(index.groups)):
        yield error("ring_barrier", name, f"The rings name {name}, which is no signal group.")
    if len({len(ring) for ring in view.rings}) > 1:
        yield error("ring_barrier", "", "The rings do not have the same number of sides.")
    for stage in index.sheet.stages:
        for a, b in combinations(sorted(set(stage.green) & set(places)), 2):
            (ring_a, side_a), (ring_b, side_b) = places[a], places[b]
            if side_a != side_b:
                words = f"Stage {stage.number} shows {a} and {b}, which stand on two sides of the barrier."
                yield error("ring_barrier", stage.number, words)
            elif ring_a == ring_b:
                yield error("ring_barrier", stage.number, f"Stage {stage.number} shows {a} and {b} of one ring.")


def _places(view: RingBarrier) -> dict[str, tuple[int, int]]:
    """Group → ring and side."""
    return {
        name: (ring, side)
        for ring, sides in enumerate(view.rings)
        for side, groups in enumerate(sides)
        for name in groups
    }


def derive(sheet: Sheet) -> RingBarrier | None:
    """Phases 1+2 | 3+4 over 5+6 | 7+8 of a crossing with four approaches whose lefts and throughs are apart.

    None where the crossing is not of that kind, or where the stages would break the rings.
    """
    if len(sheet.approaches) != 4:
        return None
    main, *others = sheet.approaches
    facing = [a for a in others if abs((a.heading - main.heading) % 360 - 180) < OPPOSITE_DEG]
    if len(facing) != 1:
        return None
    side = [approach for approach in others if approach is not facing[0]]
    of = {approach.uid: _left_and_through(sheet, approach.uid) for approach in sheet.approaches}
    if any(pair is None for pair in of.values()):
        return None
    (l1, t1), (l2, t2) = of[main.uid] or ("", ""), of[facing[0].uid] or ("", "")
    (l3, t3), (l4, t4) = of[side[0].uid] or ("", ""), of[side[1].uid] or ("", "")
    found = RingBarrier((((l1, t2), (l3, t4)), ((l2, t1), (l4, t3))))
    trial = Index(Sheet(sheet.intersection, sheet.name, groups=sheet.groups, stages=sheet.stages, ring_barrier=found))
    return None if list(check(trial)) else found


def _left_and_through(sheet: Sheet, approach: str) -> tuple[str, str] | None:
    """The protected group that turns left and the one that goes straight, where they are two."""
    driven = {g.id for g in sheet.groups if g.kind is Kind.VEHICLE and g.right is Right.PROTECTED}
    groups = {
        turn: {m.group for m in sheet.movements if m.approach == approach and m.turn is turn and m.group in driven}
        for turn in (Turn.LEFT, Turn.STRAIGHT)
    }
    if any(len(names) != 1 for names in groups.values()) or groups[Turn.LEFT] == groups[Turn.STRAIGHT]:
        return None
    return min(groups[Turn.LEFT]), min(groups[Turn.STRAIGHT])
