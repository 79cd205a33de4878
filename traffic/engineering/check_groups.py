# SPDX-License-Identifier: Apache-2.0
"""Signal groups, movements and intergreens: who may be green with whom, for how long, and what must lie between."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

from traffic.engineering.findings import Finding, error, number, warning
from traffic.engineering.sheet import Group, Index, Kind, Right

LEAST_GREEN_S = 5.0  # RiLSA 2015, 2.7
LEAST_WALK_S = 4.0  # MUTCD 2009, 4E.06: 7 s, 4 s at the least
WALKING_MS = 1.2  # RiLSA 2015
MOST_RED_S = 120.0
EPSILON_S = 0.05


def check(index: Index) -> Iterator[Finding]:
    yield from _names(index)
    for group in index.sheet.groups:
        yield from _group(group)
    yield from _served(index)
    yield from _conflicts(index)
    yield from _intergreens(index)


def _names(index: Index) -> Iterator[Finding]:
    """Names that stand twice, or that nothing bears."""
    sheet = index.sheet
    rows = (("groups", [g.id for g in sheet.groups]), ("approaches", [a.uid for a in sheet.approaches]))
    for part, names in (*rows, ("movements", [m.id for m in sheet.movements])):
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield error(part, name, f"{name} stands twice among the {part}.")
    pairs = {name for pair in (*sheet.conflicts, *sheet.yields) for name in (pair.a, pair.b)}
    pairs |= {name for row in sheet.intergreens for name in (row.ends, row.begins)}
    for name in sorted(pairs - set(index.groups)):
        yield error("intergreens", name, f"The intergreens or conflicts name {name}, which is no signal group.")
    known = {approach.uid for approach in sheet.approaches}
    for group in sheet.groups:
        if group.approach not in known:
            yield error("groups", group.id, f"Group {group.id} is on approach {group.approach}, which is not known.")


def _group(group: Group) -> Iterator[Finding]:
    if group.max_red_s > MOST_RED_S:
        limit = f"more than {number(MOST_RED_S)} s"
        yield error("groups", group.id, f"Maximum red of {group.id} is {number(group.max_red_s)} s, {limit}.")
    if group.max_red_s <= 0:
        yield error("groups", group.id, f"Group {group.id} has no maximum red.")
    if group.kind is Kind.PEDESTRIAN:
        yield from _on_foot(group)
        return
    if group.min_green_s < LEAST_GREEN_S:
        limit = f"less than {number(LEAST_GREEN_S)} s"
        yield error("groups", group.id, f"Minimum green of {group.id} is {number(group.min_green_s)} s, {limit}.")
    if group.kind is Kind.VEHICLE and not 3 <= group.yellow_s <= 6:
        yield error("groups", group.id, f"Yellow of {group.id} is {number(group.yellow_s)} s, not 3 to 6 s.")
    if group.all_red_s < 0 or group.yellow_s < 0:
        yield error("groups", group.id, f"Group {group.id} has a yellow or all-red below zero.")


def _on_foot(group: Group) -> Iterator[Finding]:
    if group.walk_s < LEAST_WALK_S:
        walk = f"Walk of {group.id} is {number(group.walk_s)} s, less than {number(LEAST_WALK_S)} s."
        yield error("groups", group.id, walk)
    if group.width_m <= 0:
        yield error(
            "groups", group.id, f"The width of crossing {group.id} is not given, so its clearance is not known."
        )
        return
    needed = group.width_m / WALKING_MS
    if group.clearance_s < needed - EPSILON_S:
        yield error(
            "groups",
            group.id,
            f"Clearance of {group.id} is {number(group.clearance_s)} s; {number(group.width_m)} m at "
            f"{WALKING_MS} m/s take {number(needed)} s.",
        )


def _served(index: Index) -> Iterator[Finding]:
    green = {name for stage in index.sheet.stages for name in stage.green}
    for group in index.sheet.groups:
        if group.id not in green:
            yield error("stages", group.id, f"Group {group.id} is green in no stage.")
    for movement in index.sheet.movements:
        if movement.group not in index.groups:
            words = f"Movement {movement.id} is never served: its group {movement.group or '(none)'} is not known."
            yield error("movements", movement.id, words)
        elif movement.group not in green:
            yield error("movements", movement.id, f"Movement {movement.id} is never served: no stage shows it green.")
    for stage in index.sheet.stages:
        for name in stage.green:
            if name not in index.groups:
                yield error("stages", stage.number, f"Stage {stage.number} shows {name}, which is no signal group.")


def _conflicts(index: Index) -> Iterator[Finding]:
    for stage in index.sheet.stages:
        for a, b in combinations(sorted(set(stage.green) & set(index.groups)), 2):
            if not index.do_conflict(a, b):
                continue
            if frozenset((a, b)) not in index.together:
                yield error("stages", stage.number, f"Stage {stage.number} shows {a} and {b} green; they conflict.")
            elif Right.PERMISSIVE not in (index.groups[a].right, index.groups[b].right):
                words = f"Stage {stage.number} shows {a} and {b} green; they conflict and both are protected."
                yield error("stages", stage.number, words)


def _intergreens(index: Index) -> Iterator[Finding]:
    for pair in sorted(map(sorted, index.conflicts)):
        if len(pair) != 2 or not set(pair) <= set(index.groups):
            continue
        for ends, begins in permutations(pair):
            yield from _intergreen(index, index.groups[ends], begins)
    for (ends, begins), seconds in index.intergreens.items():
        if not index.do_conflict(ends, begins):
            words = (
                f"An intergreen of {number(seconds)} s from {ends} to {begins} stands for groups that do not conflict."
            )
            yield warning("intergreens", f"{ends}>{begins}", words)


def _intergreen(index: Index, ends: Group, begins: str) -> Iterator[Finding]:
    seconds, least = index.intergreens.get((ends.id, begins)), ends.least_intergreen_s
    subject = f"{ends.id}>{begins}"
    if seconds is None:
        yield error("intergreens", subject, f"No intergreen from {ends.id} to {begins}, although they conflict.")
    elif seconds < least - EPSILON_S:
        what = "its clearance" if ends.kind is Kind.PEDESTRIAN else "its yellow and all-red"
        short = f"{number(seconds)} s, shorter than {what} of {number(least)} s"
        yield error("intergreens", subject, f"The intergreen from {ends.id} to {begins} is {short}.")
