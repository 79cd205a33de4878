# SPDX-License-Identifier: Apache-2.0
"""Stages of a signal: the simulator's green phases, what each serves, how long the fixed plan gives it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from traffic.street.demand import Demand
from traffic.street.detectors import Lane
from traffic.street.groups import matrix
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
WALK_S = 5.0  # green on foot, at least (RiLSA 2015; 4 to 7 s are usual)
LANE_M = 3.25
LONGEST_ALL_RED_S = 10.0  # all-red is held while somebody slow is still inside the junction


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
class Walk:
    """A crossing on foot: the approach it lies at, how far it is, the links of the state string that drive over it."""

    uid: str
    width_m: float
    links: frozenset[int]


@dataclass(frozen=True, slots=True)
class Timed:
    """A fixed plan that begins at this second of the local day: its number, and green seconds by stage."""

    from_s: int
    number: int
    greens: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Programme:
    """Everything a signal device announces, and the fixed plan it runs by itself (stage number, green seconds).

    What follows after `all_red_s` may be left out: `foes` are links that cross, `intergreens` seconds from the end of
    one link's green to the start of another's, `forbidden` changes of stage that are never made, `lanes` what serves
    each lane at a stop line, `timetable` plans by the time of day in `zone`.
    """

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
    longest_all_red_s: float = LONGEST_ALL_RED_S
    foes: frozenset[tuple[int, int]] = frozenset()
    intergreens: Mapping[tuple[int, int], float] = field(default_factory=dict)
    forbidden: frozenset[tuple[int, int]] = frozenset()
    walks: tuple[Walk, ...] = ()
    walk_s: float = WALK_S
    lanes: Mapping[str, Lane] = field(default_factory=dict)
    timetable: tuple[Timed, ...] = ()
    zone: str = "UTC"

    @property
    def intergreen_s(self) -> float:
        """From the end of a stage to the start of another, at least."""
        return self.yellow_s + self.all_red_s

    @property
    def least_green_s(self) -> float:
        """Minimum green of a stage: that of vehicles, and of the people who walk in it."""
        return max(self.min_green_s, self.walk_s) if self.walks else self.min_green_s

    @property
    def crossings(self) -> frozenset[str]:
        """Approaches people on foot can cross at: some stage leaves them without green."""
        return frozenset(uid for uid in self.groups if any(stage.serves.get(uid, 0.0) == 0 for stage in self.stages))

    def announced(self) -> dict[str, Any]:
        """The hello message; numbers of stages are strings where JSON wants keys. What is not allowed is not there."""
        change = matrix(self).change_s
        pairs = sorted((a, b) for a, b in self.conflicts if a < b)
        return {
            "stages": [{"number": s.number, "name": s.name, "serves": dict(s.serves)} for s in self.stages],
            "conflicts": [list(pair) for pair in pairs],
            "intergreen_s": {
                str(a.number): {
                    str(b.number): float(change[a.number, b.number])
                    for b in self.stages
                    if (a.number, b.number) in change
                }
                for a in self.stages
            },
            "min_green_s": self.least_green_s,
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
        foes=signal.foes,
        walks=_walks(net, signal, site, stages),
        lanes=_lanes(net, signal, site, states),
    )


def _walks(net: Net, signal: Signal, site: Site, stages: tuple[Stage, ...]) -> tuple[Walk, ...]:
    """A crossing at each approach that some stage leaves without green, as wide as the lanes that come in there."""
    found = []
    for uid, edges in site.approaches.items():
        links = frozenset(i for i, row in enumerate(signal.links) if any(c.edge in edges for c in row))
        width = LANE_M * max((len(net.edges[edge].lanes) for edge in edges), default=0)
        if links and any(all(stage.green[i] not in "Gg" for i in links) for stage in stages):
            found.append(Walk(uid, width, links))
    return tuple(found)


def _lanes(net: Net, signal: Signal, site: Site, states: list[str]) -> dict[str, Lane]:
    """Lanes at the stop lines of each approach, with the stages that serve them in full."""
    found = {}
    for uid, edges in site.approaches.items():
        for lane in _outer_lanes(net, signal, edges):
            serving = [n for n, state in enumerate(states, start=1) if _share(net, signal, lane, state, states)]
            if serving:
                found[lane] = Lane(uid, tuple(serving))
    return found


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
