# SPDX-License-Identifier: Apache-2.0
"""Signal groups of a programme: which conflict, which intergreen parts each pair, how long each change of stage takes.

The groups are the links of the state string, and after them one for each crossing on foot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from traffic.street.stages import Programme

WALKING_MS = 1.2  # RiLSA 2015: clearing speed of people on foot
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Matrix:
    """`greens`: stage → letters of all groups. `conflicts` and `permitted` hold each pair both ways; permitted ones may
    be green together while one gives way ("g"). `intergreen_s`: (group that ends, group that begins) → seconds from the
    end of one green to the start of the other. `change_s`: (stage, stage) → whole seconds, missing where the change is
    not allowed; `hop` and `reach_s`: the first stage on the way to another and the seconds until that one's green.
    """

    vehicles: int
    greens: Mapping[int, str]
    conflicts: frozenset[Pair]
    permitted: frozenset[Pair]
    intergreen_s: Mapping[Pair, float]
    change_s: Mapping[Pair, int]
    hop: Mapping[Pair, int]
    reach_s: Mapping[Pair, float]


def matrix(programme: Programme) -> Matrix:
    greens = {stage.number: stage.green + _walks(programme, stage.green) for stage in programme.stages}
    size = len(programme.stages[0].green)
    conflicts = _conflicts(programme, greens, size)
    permitted = frozenset(
        (i, j) for i, j in conflicts for green in greens.values() if green[i] in "Gg" and green[j] in "Gg"
    )
    intergreen = {(i, j): _intergreen_s(programme, i, j, size) for i, j in conflicts}
    change = {
        (a, b): _change_s(programme, greens[a], greens[b], intergreen)
        for a in greens
        for b in greens
        if a != b and (a, b) not in programme.forbidden
    }
    hop, reach = _routes(tuple(greens), change, programme.least_green_s)
    return Matrix(size, greens, conflicts, permitted, intergreen, change, hop, reach)


def _walks(programme: Programme, green: str) -> str:
    """A crossing is open while nothing that drives over it has green."""
    return "".join("r" if any(green[i] in "Gg" for i in walk.links) else "G" for walk in programme.walks)


def _conflicts(programme: Programme, greens: Mapping[int, str], size: int) -> frozenset[Pair]:
    """The programme's crossing links; without any, those that conflicting stages show and no stage shows together."""
    found = set(programme.foes) or _by_stage(programme, greens, size)
    found |= {(i, size + n) for n, walk in enumerate(programme.walks) for i in walk.links}
    return frozenset(found | {(j, i) for i, j in found})


def _by_stage(programme: Programme, greens: Mapping[int, str], size: int) -> set[Pair]:
    shown = {n: {i for i in range(size) if green[i] in "Gg"} for n, green in greens.items()}
    together = {(i, j) for links in shown.values() for i in links for j in links}
    return {(i, j) for a, b in programme.conflicts for i in shown[a] for j in shown[b] if (i, j) not in together}


def _intergreen_s(programme: Programme, ends: int, begins: int, size: int) -> float:
    if ends >= size:
        return programme.walks[ends - size].width_m / WALKING_MS
    return max(programme.yellow_s, programme.intergreens.get((ends, begins), programme.intergreen_s))


def _change_s(programme: Programme, before: str, after: str, intergreen: Mapping[Pair, float]) -> int:
    needed = [
        seconds
        for (i, j), seconds in intergreen.items()
        if before[i] in "Gg" and after[i] not in "Gg" and after[j] in "Gg" and before[j] not in "Gg"
    ]
    return ceil(max([programme.intergreen_s, *needed]) - 1e-9)


def _routes(
    stages: tuple[int, ...], change: Mapping[Pair, int], least_s: float
) -> tuple[dict[Pair, int], dict[Pair, float]]:
    """Shortest ways over allowed changes (Floyd and Warshall); stages on the way get their minimum green."""
    reach = {(a, b): float(change.get((a, b), inf)) for a in stages for b in stages if a != b}
    hop = {(a, b): b for a, b in reach if (a, b) in change}
    for via in stages:
        for a, b in reach:
            if via in (a, b):
                continue
            longer = reach[a, via] + least_s + reach[via, b]
            if longer < reach[a, b]:
                reach[a, b], hop[a, b] = longer, hop[a, via]
    return hop, {pair: seconds for pair, seconds in reach.items() if seconds < inf}
