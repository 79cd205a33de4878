# SPDX-License-Identifier: Apache-2.0
"""Drafts from a SUMO network: stages are its green phases, conflicts its foes; what netconvert made is estimated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from traffic.engineering.ring_barrier import derive
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
from traffic.street.match import heading
from traffic.street.net import Connection, Edge, Net, Signal

YELLOW_S, ALL_RED_S = 3.0, 1.0
MIN_GREEN_S, MAX_RED_S = 5.0, 120.0
STOP_BAR_M, ADVANCE_M, REACH_M = 2.0, 50.0, 150.0
ASSUMED = ("approaches", "groups", "stages", "conflicts", "intergreens", "plans", "detectors")
TURNS = {"l": Turn.LEFT, "L": Turn.LEFT, "r": Turn.RIGHT, "R": Turn.RIGHT, "t": Turn.BACK, "s": Turn.STRAIGHT}


def drafts(net: Net) -> list[Sheet]:
    """One sheet for each signal that has a green phase."""
    return [draft(net, signal) for signal in net.signals.values() if _green_phases(signal)]


@dataclass(frozen=True, slots=True)
class _Links:
    """Links of one approach with the same letters in every green phase: what one signal head could show."""

    edge: str
    links: tuple[int, ...]
    letters: str

    @property
    def gives_way(self) -> bool:
        return "g" in self.letters


def draft(net: Net, signal: Signal) -> Sheet:
    """Groups are named V1, V2 … in the order of the network's links."""
    phases = _green_phases(signal)
    states = list(dict.fromkeys(state for state, _ in phases))
    groups = {f"V{n}": row for n, row in enumerate(_groups(signal, states), start=1)}
    stages = tuple(
        Stage(number, f"phase {number}", tuple(name for name, row in groups.items() if state[row.links[0]] in "Gg"))
        for number, state in enumerate(states, start=1)
    )
    conflicts, yields = _pairs(signal, groups, states)
    entries = list(dict.fromkeys(row.edge for row in groups.values()))
    sheet = Sheet(
        intersection=signal.id,
        name=signal.id,
        approaches=tuple(_approach(net.edges[edge]) for edge in entries),
        lanes=tuple(lane for edge in entries for lane in _lanes(net, signal, edge)),
        movements=tuple(_movements(net, signal, groups)),
        groups=tuple(_group(name, row) for name, row in groups.items()),
        stages=stages,
        conflicts=conflicts,
        yields=yields,
        intergreens=tuple(
            Intergreen(a, b, YELLOW_S + ALL_RED_S) for p in conflicts for a, b in ((p.a, p.b), (p.b, p.a))
        ),
        detectors=tuple(found for edge in entries for found in _detectors(net, edge)),
        estimated=ASSUMED,
    )
    sheet = replace(sheet, plans=(_plan(sheet, phases, states),))
    return replace(sheet, ring_barrier=derive(sheet))


def _green_phases(signal: Signal) -> list[tuple[str, float]]:
    return [(s, seconds) for s, seconds in signal.phases if "y" not in s.lower() and any(c in "Gg" for c in s)]


def _groups(signal: Signal, states: Sequence[str]) -> list[_Links]:
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for link, row in enumerate(signal.links):
        if row:
            alike[row[0].edge, "".join(state[link] for state in states)].append(link)
    return [_Links(edge, tuple(links), letters) for (edge, letters), links in alike.items()]


def _pairs(
    signal: Signal, groups: Mapping[str, _Links], states: Sequence[str]
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Groups that cross, and of those the ones of which one gives way where both are green."""
    of = {link: name for name, row in groups.items() for link in row.links}
    conflicts, yields = set(), set()
    for i, j in signal.foes:
        if i not in of or j not in of or groups[of[i]].edge == groups[of[j]].edge:
            continue
        conflicts.add((min(of[i], of[j]), max(of[i], of[j])))
        if any(state[i] == "g" and state[j] in "Gg" for state in states):
            yields.add((of[i], of[j]))
    return tuple(Pair(*p) for p in sorted(conflicts)), tuple(Pair(*p) for p in sorted(yields))


def _group(name: str, row: _Links) -> Group:
    right = Right.PERMISSIVE if row.gives_way else Right.PROTECTED
    return Group(name, Kind.VEHICLE, row.edge, right, MIN_GREEN_S, MAX_RED_S, YELLOW_S, ALL_RED_S)


def _approach(edge: Edge) -> Approach:
    return Approach(edge.id, edge.id, round(heading(edge), 1), round(edge.speed_ms * 3.6))


def _lanes(net: Net, signal: Signal, edge: str) -> list[Lane]:
    turns: dict[str, dict[Turn, None]] = defaultdict(dict)
    for connection in (c for row in signal.links for c in row if c.edge == edge):
        turns[connection.lane][_turn(connection)] = None
    reach = round(traced_m(net, edge), 1)
    return [Lane(lane.id, edge, tuple(turns[lane.id]), reach) for lane in net.edges[edge].lanes]


def traced_m(net: Net, edge: str) -> float:
    """How far an approach reaches upstream through nodes without a signal, REACH_M at most.

    Where roads join, the one that goes straight on and has most lanes is followed.
    """
    gone, seen, at = net.edges[edge].length_m, {edge}, edge
    while gone < REACH_M:
        before = [c for c in _into(net, at) if c.edge not in seen]
        if not before or any(c.signal for c in before):
            break
        at = max(before, key=lambda c: (c.turn == "s", len(net.edges[c.edge].lanes), c.edge)).edge
        seen.add(at)
        gone += net.edges[at].length_m
    return min(gone, REACH_M)


def _into(net: Net, edge: str) -> list[Connection]:
    tail = net.edges[edge].tail
    return [c for e in net.edges.values() if e.head == tail for c in net.onward.get(e.id, ()) if c.to_edge == edge]


def _turn(connection: Connection) -> Turn:
    return TURNS.get(connection.turn, Turn.ANY)


def _movements(net: Net, signal: Signal, groups: Mapping[str, _Links]) -> list[Movement]:
    """One for each exit of an approach that a group serves."""
    found: dict[tuple[str, str], Movement] = {}
    for name, row in groups.items():
        for connection in (c for link in row.links for c in signal.links[link]):
            exit_ = net.edges[connection.to_edge]
            leaves = round(heading(replace(exit_, shape=exit_.shape[:2])), 1)
            number = f"M{len(found) + 1}"
            found.setdefault((name, exit_.id), Movement(number, row.edge, _turn(connection), name, leaves))
    return list(found.values())


def _detectors(net: Net, edge: str) -> list[Detector]:
    """At the stop bar, and ahead of it where the approach reaches that far."""
    lanes = tuple(lane.id for lane in net.edges[edge].lanes)
    stop = Detector(f"{edge}.stop", edge, "stop bar", STOP_BAR_M, lanes)
    ahead = Detector(f"{edge}.advance", edge, "advance", ADVANCE_M, lanes)
    return [stop, ahead] if traced_m(net, edge) >= ADVANCE_M else [stop]


def _plan(sheet: Sheet, phases: Sequence[tuple[str, float]], states: Sequence[str]) -> Plan:
    splits: list[Split] = []
    for state, seconds in phases:
        number = states.index(state) + 1
        if splits and splits[-1].stage == number:
            splits[-1] = Split(number, splits[-1].green_s + seconds)
        else:
            splits.append(Split(number, seconds))
    plan = Plan(1, "the network's programme", 0.0, 0.0, tuple(splits))
    return replace(plan, cycle_s=round(sum(s.green_s for s in splits) + sum(Index(sheet).changes_s(plan)), 1))
