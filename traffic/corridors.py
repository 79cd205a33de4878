# SPDX-License-Identifier: Apache-2.0
"""Signals in a row along a street: order and distances, greens each way, and the bands a platoon has. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians
from typing import Any

from smartcity.kernel import geo
from smartcity.kernel.imports import LonLat

LEAST, GAP_M = 3, 700.0  # fewer signals, or further apart, are not worth a green wave
ALONG_DEG = 50.0
Green = tuple[int, int]
"""From and to, ms."""


@dataclass(frozen=True, slots=True)
class Place:
    """A signal that may be part of a corridor."""

    uid: str
    point: LonLat
    streets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Corridor:
    """`uids` in order along the street, `at_m` their distances from the first, `bearing` from first to last."""

    key: str
    street: str
    uids: tuple[str, ...]
    at_m: tuple[float, ...]
    bearing: float


def find(places: Sequence[Place]) -> list[Corridor]:
    """By street name, in a stable order; a street is cut where two signals are more than GAP_M apart."""
    by_street: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        for street in place.streets:
            by_street[street].append(place)
    found = []
    for street, members in sorted(by_street.items()):
        parts = [part for part in _cut(_ordered(members)) if len(part) >= LEAST]
        for number, part in enumerate(parts, start=1):
            key = "-".join([*street.lower().split(), *([str(number)] if number > 1 else [])])
            found.append(_corridor(key, street, part))
    return found


def _corridor(key: str, street: str, part: Sequence[Place]) -> Corridor:
    steps = [geo.metres(a.point, b.point) for a, b in pairwise(part)]
    at_m = tuple(sum(steps[:place]) for place in range(len(part)))
    return Corridor(key, street, tuple(p.uid for p in part), at_m, geo.bearing(part[0].point, part[-1].point))


def _ordered(members: Sequence[Place]) -> list[Place]:
    """Along the line between the two that are furthest apart, from the west or the south."""
    across = cos(radians(members[0].point[1]))
    flat = {place.uid: (place.point[0] * across, place.point[1]) for place in members}
    ends = max(
        ((a, b) for a in members for b in members),
        key=lambda pair: ((flat[pair[0].uid][0] - flat[pair[1].uid][0]) ** 2
                          + (flat[pair[0].uid][1] - flat[pair[1].uid][1]) ** 2, pair[0].uid),
    )  # fmt: skip
    a, b = sorted((flat[ends[0].uid], flat[ends[1].uid]))
    way = (b[0] - a[0], b[1] - a[1])
    return sorted(members, key=lambda p: (flat[p.uid][0] * way[0] + flat[p.uid][1] * way[1], p.uid))


def _cut(members: Sequence[Place]) -> list[list[Place]]:
    parts = [[members[0]]]
    for before, after in pairwise(members):
        if geo.metres(before.point, after.point) > GAP_M:
            parts.append([])
        parts[-1].append(after)
    return parts


def stages_along(announced: Mapping[str, Any], headings: Mapping[str, float], bearing: float) -> frozenset[int]:
    """Stages that let traffic go that way: those that serve an approach which heads along `bearing`."""
    along = {uid for uid, heading in headings.items() if abs((heading - bearing + 180) % 360 - 180) <= ALONG_DEG}
    return frozenset(
        int(stage["number"])
        for stage in announced.get("stages", ())
        if any(share >= 0.3 and uid in along for uid, share in stage["serves"].items())
    )


def greens(course: Sequence[tuple[int, int]], stages: frozenset[int], until_ms: int, gap_ms: int) -> list[Green]:
    """When one of the stages was green; a report holds until the next, at most `gap_ms`."""
    found: list[Green] = []
    ends = [*(at for at, _ in course[1:]), until_ms]
    for (at, stage), end in zip(course, ends, strict=False):
        if stage not in stages:
            continue
        to = min(end, at + gap_ms)
        if found and found[-1][1] == at:
            found[-1] = (found[-1][0], to)
        elif to > at:
            found.append((at, to))
    return found


def bands(rows: Sequence[tuple[float, Sequence[Green]]], speed_ms: float) -> list[Green]:
    """Departures at the first of `rows` (metres, greens) that meet green at every one of them at this speed."""
    if not rows:
        return []
    start = rows[0][0]
    open_ = list(rows[0][1])
    for at_m, own in rows[1:]:
        late = round(abs(at_m - start) / speed_ms * 1000)
        open_ = [
            (max(a, c - late), min(b, d - late))
            for a, b in open_
            for c, d in own
            if min(b, d - late) > max(a, c - late)
        ]
    return sorted(open_)
