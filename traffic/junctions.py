# SPDX-License-Identifier: Apache-2.0
"""Signalised junctions and their approaches out of a road graph: which signal nodes belong together, who comes in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from smartcity.kernel import geo
from smartcity.kernel.imports import LonLat, MapWay, Road, Town

REACH_M = 60.0  # a stop line stands at most this far before its junction
SPAN_M = 38.0  # junction nodes closer than this along a road are one junction (two carriageways crossing)
TRACE_M = 150.0  # detection reaches this far upstream
STRAIGHT_ON_DEG = 60.0
CLASSES = ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "living_street")
CLOSED = ("no", "private", "delivery", "psv", "bus", "agricultural", "forestry")


@dataclass(frozen=True, slots=True)
class Approach:
    """One way into a junction: roads from the stop line upstream, the line in travel direction, metres."""

    head: int
    roads: tuple[Road, ...]
    line: tuple[LonLat, ...]
    length_m: float
    heading: float

    @property
    def name(self) -> str:
        return next((road.name for road in self.roads if road.name), "unnamed road")


@dataclass(frozen=True, slots=True)
class Junction:
    """Signal nodes, the road nodes they control, and the approaches."""

    signals: tuple[int, ...]
    nodes: tuple[int, ...]
    point: LonLat
    approaches: tuple[Approach, ...]
    streets: tuple[str, ...]


class Graph:
    """Streets for cars (no service roads: they carry no signal of their own), dead ends of the extract included."""

    def __init__(self, town: Town) -> None:
        self.points: Mapping[int, LonLat] = town.node_points
        self.out: dict[int, list[Road]] = defaultdict(list)
        self.into: dict[int, list[Road]] = defaultdict(list)
        for road in town.roads:
            if _is_street(road) and road.tail != road.head:
                self.out[road.tail].append(road)
                self.into[road.head].append(road)

    def neighbours(self, node: int) -> set[int]:
        return {road.head for road in self.out[node]} | {road.tail for road in self.into[node]}

    def is_junction(self, node: int) -> bool:
        return len(self.neighbours(node)) >= 3


def _is_street(road: Road) -> bool:
    """Open to cars, whether or not the extract's edge cuts it off from the rest (`drivable` asks for both)."""
    if road.highway.removesuffix("_link") not in CLASSES:
        return False
    access = (road.tags.get("motor_vehicle") or road.tags.get("access") or "yes").split(";")
    return not any(word in CLOSED for word in access)


def find(town: Town) -> list[Junction]:
    """Every signalised junction, in a stable order (by its smallest signal node)."""
    graph = Graph(town)
    signals = _signals_by_junction(town, graph)
    found = []
    for nodes in _clusters(set(signals), graph):
        mine = tuple(sorted({signal for node in nodes for signal in signals.get(node, ())}))
        approaches = tuple(_approaches(nodes, graph))
        if len(approaches) >= 2:
            found.append(Junction(mine, nodes, _middle(nodes, graph), approaches, _streets(nodes, graph)))
    return sorted(found, key=lambda junction: junction.signals)


def _signals_by_junction(town: Town, graph: Graph) -> dict[int, set[int]]:
    """Junction node → signal nodes. A signal stands at its junction or before it on a road that leads there."""
    at: dict[int, set[int]] = defaultdict(set)
    tagged = {n.id: n.tags for n in town.nodes if n.tags.get("highway") == "traffic_signals"}
    ways = {way.id: way for way in town.ways}
    on_roads = _roads_through(tagged, graph)
    for signal, tags in tagged.items():
        if graph.is_junction(signal):
            at[signal].add(signal)
            continue
        reached = (_ahead(signal, road, graph) for road in on_roads[signal] if _faces(road, tags, ways))
        near = min((hit for hit in reached if hit is not None), default=None)
        if near is not None and near[0] <= REACH_M:
            at[near[1]].add(signal)
    return at


def _roads_through(tagged: Mapping[int, object], graph: Graph) -> dict[int, list[Road]]:
    """Signal node → the directed roads that pass it or leave from it."""
    through: dict[int, list[Road]] = defaultdict(list)
    for roads in graph.out.values():
        for road in roads:
            for node in road.nodes[:-1]:
                if node in tagged:
                    through[node].append(road)
    return through


def _faces(road: Road, tags: Mapping[str, str], ways: Mapping[int, MapWay]) -> bool:
    """Whether a signal with a mapped direction speaks to traffic on this directed road."""
    direction = tags.get("traffic_signals:direction")
    way = ways.get(road.way)
    if direction not in ("forward", "backward") or way is None:
        return True
    is_forward = way.nodes.index(road.nodes[0]) < way.nodes.index(road.nodes[1])
    return is_forward == (direction == "forward")


def _ahead(signal: int, road: Road, graph: Graph) -> tuple[float, int] | None:
    """Metres and node of the first junction downstream of a signal on `road`."""
    start = road.nodes.index(signal)
    gone = geo.length(road.points[start:])
    node, came_from = road.head, road.tail
    while gone <= REACH_M and not graph.is_junction(node):
        onward = [r for r in graph.out[node] if r.head != came_from]
        if len(onward) != 1:
            return None
        gone, came_from, node = gone + onward[0].length_m, node, onward[0].head
    return gone, node


def _clusters(nodes: set[int], graph: Graph) -> list[tuple[int, ...]]:
    """Signalised junction nodes joined by short roads are one junction."""
    group = {node: node for node in nodes}

    def root(node: int) -> int:
        while group[node] != node:
            node = group[node]
        return node

    for node in sorted(nodes):
        for other in _within_span(node, graph):
            if other in group:
                group[root(other)] = root(node)
    members: dict[int, list[int]] = defaultdict(list)
    for node in sorted(nodes):
        members[root(node)].append(node)
    return [tuple(found) for found in members.values()]


def _within_span(node: int, graph: Graph) -> set[int]:
    """Nodes reached over at most SPAN_M of road, whichever way it runs."""
    seen, todo = {node: 0.0}, [node]
    while todo:
        here = todo.pop()
        for road in graph.out[here] + graph.into[here]:
            there = road.head if road.tail == here else road.tail
            far = seen[here] + road.length_m
            if far <= SPAN_M and far < seen.get(there, SPAN_M + 1):
                seen[there] = far
                todo.append(there)
    return set(seen) - {node}


def _approaches(nodes: tuple[int, ...], graph: Graph) -> Iterable[Approach]:
    inside = set(nodes)
    for head in nodes:
        for road in sorted(graph.into[head], key=lambda r: (r.way, r.tail)):
            if road.tail not in inside and not _only_leads_inside(road, inside, graph):
                yield _trace(road, inside, graph)


def _only_leads_inside(road: Road, inside: set[int], graph: Graph) -> bool:
    """A short connector between two nodes of the same junction is not an approach."""
    feeders = [r for r in graph.into[road.tail] if r.tail != road.head]
    return road.length_m < SPAN_M and bool(feeders) and all(r.tail in inside for r in feeders)


def _trace(road: Road, inside: set[int], graph: Graph) -> Approach:
    """Follow the road upstream, straight on, until TRACE_M, another fork of equal right, or the junction itself."""
    roads, length = [road], road.length_m
    while length < TRACE_M:
        here = roads[-1]
        upstream = [r for r in graph.into[here.tail] if r.tail != here.head and r.tail not in inside]
        ahead = [(_bend(r, here), r.way, r) for r in upstream if _bend(r, here) <= STRAIGHT_ON_DEG]
        if not ahead or any(r in roads for _, _, r in ahead):
            break
        roads.append(min(ahead, key=lambda item: item[:2])[2])
        length += roads[-1].length_m
    line = _last_metres(tuple(p for r in reversed(roads) for p in r.points), TRACE_M)
    heading = geo.bearing(road.points[-2], road.points[-1])
    return Approach(road.head, tuple(roads), line, geo.length(line), heading)


def _bend(before: Road, after: Road) -> float:
    turn = geo.bearing(after.points[0], after.points[1]) - geo.bearing(before.points[-2], before.points[-1])
    return abs((turn + 180) % 360 - 180)


def _last_metres(line: tuple[LonLat, ...], metres: float) -> tuple[LonLat, ...]:
    """The end of a line, cut at `metres` before its last point; doubled points removed."""
    kept, left = [line[-1]], metres
    for point in reversed(line[:-1]):
        step = geo.metres(kept[-1], point)
        if step == 0.0:
            continue
        if step >= left:
            share = left / step
            (x0, y0), (x1, y1) = kept[-1], point
            kept.append((x0 + (x1 - x0) * share, y0 + (y1 - y0) * share))
            break
        kept.append(point)
        left -= step
    return tuple(reversed(kept))


def _middle(nodes: tuple[int, ...], graph: Graph) -> LonLat:
    points = [graph.points[node] for node in nodes]
    return sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)


def _streets(nodes: tuple[int, ...], graph: Graph) -> tuple[str, ...]:
    """Names of the crossing streets, the one with most roads first."""
    names: dict[str, int] = defaultdict(int)
    for node in nodes:
        for road in graph.out[node] + graph.into[node]:
            if road.name:
                names[road.name] += 1
    return tuple(sorted(names, key=lambda name: (-names[name], name)))
