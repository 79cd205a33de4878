# SPDX-License-Identifier: Apache-2.0
"""Stages of a signal: the simulator's green phases, what each serves, how long the fixed plan gives it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from traffic.street.demand import Demand
from traffic.street.joined import behind, inner, let_out
from traffic.street.match import Site
from traffic.street.net import Net, Signal

YELLOW_S = 3.0
ALL_RED_S = 2.0
MIN_GREEN_S = 5.0
MAX_RED_S = 120.0
SATURATION = 0.5  # vehicles per second and lane (HBS 2015: 1,800 veh/h)
PLAN_SATURATION = 0.38  # what lanes reach with turning vehicles; the plan is made for this, as a timing engineer would
PERMISSIVE = 0.6  # share of it where a turn must yield
CYCLE_S = (50.0, 100.0)
SHORTEST_PLAN_GREEN_S = 8.0


@dataclass(frozen=True, slots=True)
class Stage:
    """`green` is the state string of the simulator; `serves` says which share of an approach's lanes may go."""

    number: int
    name: str
    green: str
    serves: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Group:
    """Lanes of one approach that the same stages serve: how many, their share of its traffic, stage → rate 0..1."""

    lanes: int
    share: float
    rates: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Programme:
    """Everything a signal device announces, and the fixed plan it runs by itself (stage number, green seconds)."""

    uid: str
    signal: str
    stages: tuple[Stage, ...]
    conflicts: frozenset[tuple[int, int]]
    plan: tuple[tuple[int, float], ...]
    downstream: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, tuple[Group, ...]]
    storage: Mapping[str, float]
    min_green_s: float = MIN_GREEN_S
    max_red_s: float = MAX_RED_S
    yellow_s: float = YELLOW_S
    all_red_s: float = ALL_RED_S

    @property
    def intergreen_s(self) -> float:
        return self.yellow_s + self.all_red_s

    @property
    def crossings(self) -> frozenset[str]:
        """Approaches people on foot can cross at: some stage leaves them without green."""
        return frozenset(uid for uid in self.groups if any(stage.serves.get(uid, 0.0) == 0 for stage in self.stages))

    def announced(self) -> dict[str, Any]:
        """The hello message; numbers of stages are strings where JSON wants keys."""
        pairs = sorted((a, b) for a, b in self.conflicts if a < b)
        return {
            "stages": [{"number": s.number, "name": s.name, "serves": dict(s.serves)} for s in self.stages],
            "conflicts": [list(pair) for pair in pairs],
            "intergreen_s": {
                str(a.number): {str(b.number): self.intergreen_s for b in self.stages if b is not a}
                for a in self.stages
            },
            "min_green_s": self.min_green_s,
            "max_red_s": self.max_red_s,
            "yellow_s": self.yellow_s,
            "all_red_s": self.all_red_s,
            "plan": {"number": 1, "green_s": {str(number): seconds for number, seconds in self.plan}},
            "approaches": {
                uid: {
                    "storage": round(self.storage[uid], 1),
                    "saturation": SATURATION,
                    "crossing": uid in self.crossings,
                    "downstream": list(self.downstream.get(uid, ())),
                    "groups": [
                        {"lanes": g.lanes, "share": g.share, "rates": {str(s): r for s, r in g.rates.items()}}
                        for g in self.groups[uid]
                    ],
                }
                for uid in sorted(self.groups)
            },
        }


def programme(
    net: Net,
    site: Site,
    demand: Demand,
    *,
    names: Mapping[str, str],
    storage: Mapping[str, float],
    downstream: Mapping[str, tuple[str, ...]],
) -> Programme:
    """Stages out of the signal's green phases, the plan after Webster for the peak's flows."""
    signal = net.signals[site.signal]
    states = list(dict.fromkeys(let_out(net, signal, state) for state, _ in signal.phases if _is_green(state)))
    served = [_serves(net, signal, site, state, states) for state in states]
    flows = demand.flows()
    stages = tuple(
        Stage(number, _name(serves, names), state, serves)
        for number, (state, serves) in enumerate(zip(states, served, strict=True), start=1)
    )
    return Programme(
        uid=site.uid,
        signal=site.signal,
        stages=stages,
        conflicts=_conflicts(signal, stages),
        plan=_webster(net, signal, stages, flows),
        downstream=downstream,
        groups={uid: _groups(net, signal, edges, states, flows) for uid, edges in site.approaches.items() if edges},
        storage={uid: storage.get(uid, 0.0) for uid in site.approaches},
    )


def _is_green(state: str) -> bool:
    return "y" not in state and any(letter in "Gg" for letter in state)


def _serves(net: Net, signal: Signal, site: Site, state: str, states: list[str]) -> dict[str, float]:
    """A lane counts as served only where all its movements may go, unless no stage does that (see cologne8)."""
    found = {}
    for uid, edges in site.approaches.items():
        shares = [_share(net, signal, lane, state, states) for lane in _outer_lanes(net, signal, edges)]
        if any(shares):
            found[uid] = round(sum(shares) / len(shares), 3)
    return found


def _outer_lanes(net: Net, signal: Signal, edges: Sequence[str]) -> list[str]:
    outer = [edge for edge in edges if edge not in inner(behind(net, signal))] or list(edges)
    return [lane.id for edge in outer for lane in net.edges[edge].lanes]


def _groups(
    net: Net, signal: Signal, edges: Sequence[str], states: list[str], flows: Mapping[str, float]
) -> tuple[Group, ...]:
    """Lanes by what serves them; each lane carries an equal part of its road's traffic."""
    lanes: dict[tuple[float, ...], int] = defaultdict(int)
    traffic: dict[tuple[float, ...], float] = defaultdict(float)
    for lane in _outer_lanes(net, signal, edges):
        rates = tuple(round(_share(net, signal, lane, state, states), 3) for state in states)
        edge = lane.rpartition("_")[0]
        lanes[rates] += 1
        traffic[rates] += max(1.0, flows.get(edge, 0.0)) / len(net.edges[edge].lanes)
    total = sum(traffic.values())
    return tuple(
        Group(count, round(traffic[rates] / total, 3), {n: r for n, r in enumerate(rates, start=1) if r})
        for rates, count in lanes.items()
    )


def _share(net: Net, signal: Signal, lane: str, state: str, states: list[str]) -> float:
    links = [i for i, row in enumerate(signal.links) if any(c.lane == lane for c in row)]
    if not links:
        return 0.0
    fully = any(all(_rate(net, signal, i, other) for i in links) for other in states)
    here = [_rate(net, signal, i, state) for i in links]
    if fully and not all(here):
        return 0.0
    return sum(here) / len(here)


def _rate(net: Net, signal: Signal, link: int, state: str) -> float:
    """Share of the saturation flow over one link; a second stop line behind it must let go too."""
    own = {"G": 1.0, "g": PERMISSIVE}.get(state[link], 0.0)
    beyond = behind(net, signal)[link]
    if not own or not beyond:
        return own
    after = [i for i, row in enumerate(signal.links) if any(c.edge in beyond for c in row)]
    letters = [{"G": 1.0, "g": PERMISSIVE}.get(state[i], 0.0) for i in after]
    return min(own, sum(letters) / max(1, len(letters)))


def _name(serves: Mapping[str, float], names: Mapping[str, str]) -> str:
    return ", ".join(names.get(uid, uid) for uid, share in sorted(serves.items()) if share >= 0.3) or "side movements"


def _conflicts(signal: Signal, stages: tuple[Stage, ...]) -> frozenset[tuple[int, int]]:
    """Stages that may not be green together: some movement of one crosses a movement of the other."""
    found = set()
    for a in stages:
        for b in stages:
            if a is not b and any(
                a.green[i] in "Gg" and b.green[j] in "Gg" and a.green[j] == "r" for i, j in signal.foes
            ):
                found |= {(a.number, b.number), (b.number, a.number)}
    return frozenset(found)


def _webster(
    net: Net, signal: Signal, stages: tuple[Stage, ...], flows: Mapping[str, float]
) -> tuple[tuple[int, float], ...]:
    """Green times by Webster 1958: cycle (1.5 L + 5) / (1 - Y), greens in proportion to critical flow ratios."""
    ratios = {stage.number: max(0.02, _critical(net, signal, stage, flows)) for stage in stages}
    lost = len(stages) * (YELLOW_S + ALL_RED_S)
    total = min(0.9, sum(ratios.values()))
    cycle = min(CYCLE_S[1], max(CYCLE_S[0], (1.5 * lost + 5) / (1 - total)))
    green = cycle - lost
    share = {number: ratio / sum(ratios.values()) for number, ratio in ratios.items()}
    return tuple((s.number, float(round(max(SHORTEST_PLAN_GREEN_S, green * share[s.number])))) for s in stages)


def _critical(net: Net, signal: Signal, stage: Stage, flows: Mapping[str, float]) -> float:
    worst = 0.0
    for edge in signal.incoming:
        links = [i for i, row in enumerate(signal.links) if any(c.edge == edge for c in row)]
        may_go = [stage.green[i] for i in links]
        share = sum({"G": 1.0, "g": PERMISSIVE}.get(letter, 0.0) for letter in may_go) / max(1, len(may_go))
        if share > 0.3:
            worst = max(worst, flows.get(edge, 0.0) / 3600 / (PLAN_SATURATION * len(net.edges[edge].lanes) * share))
    return worst
