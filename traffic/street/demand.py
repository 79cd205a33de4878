# SPDX-License-Identifier: Apache-2.0
"""Who drives where: routes between the town's edges, weighted by the size of the roads they start and end on."""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from traffic.street.net import Edge, Net

PEAK_PER_HOUR = 2250.0  # about 80 % of what the fixed plans of the demo town carry for hours without growing queues
INNER_SHARE = 0.25  # trips that start or end inside rather than at the edge of the map
SHORTEST_M = 350.0
VARIANTS = 3
SPREAD = 0.35
TRAM_LINES = 6


@dataclass(frozen=True, slots=True)
class Route:
    edges: tuple[str, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Demand:
    """Shares of all trips; `per_hour` at the weekday peak; tram lines as edges from end to end."""

    routes: tuple[Route, ...]
    per_hour: float
    lines: tuple[tuple[str, ...], ...] = ()

    def flow(self, edge: str) -> float:
        """Vehicles per hour over an edge at the peak."""
        return self.per_hour * sum(route.share for route in self.routes if edge in route.edges)

    def flows(self) -> dict[str, float]:
        total: dict[str, float] = defaultdict(float)
        for route in self.routes:
            for edge in route.edges:
                total[edge] += self.per_hour * route.share
        return dict(total)


def make(net: Net, seed: int, per_hour: float = PEAK_PER_HOUR) -> Demand:
    """Deterministic by seed. Every pair gets up to VARIANTS routes, by travel time with a little taste."""
    draw = random.Random(seed)
    starts, ends = _gates(net, draw)
    weights: dict[tuple[str, ...], float] = defaultdict(float)
    for _ in range(VARIANTS):
        taste = {name: 1 + SPREAD * draw.random() for name in net.edges}
        for start, leaving in starts.items():
            for edges in _fastest(net, start, ends, taste):
                if sum(net.edges[e].length_m for e in edges) >= SHORTEST_M and not _turns_back(net, edges):
                    weights[edges] += leaving * ends[edges[-1]]
    total = sum(weights.values())
    routes = tuple(Route(edges, weight / total) for edges, weight in sorted(weights.items()))
    return Demand(routes, per_hour)


def tram_lines(routes: Sequence[Route], tracks: AbstractSet[str], streets: AbstractSet[str]) -> list[tuple[str, ...]]:
    """Up to TRAM_LINES routes that follow the tracks: `tracks` are edges with rails, `streets` those without."""
    uncovered, found = set(tracks), []
    for _ in range(TRAM_LINES):
        best = max(routes, key=lambda route: _along(route, uncovered, streets), default=None)
        if best is None or _along(best, uncovered, streets) < 2:
            break
        found.append(best.edges)
        uncovered -= set(best.edges)
    return found


def _along(route: Route, tracks: AbstractSet[str], streets: AbstractSet[str]) -> int:
    return sum((edge in tracks) - 2 * (edge in streets) for edge in route.edges)


def _gates(net: Net, draw: random.Random) -> tuple[dict[str, float], dict[str, float]]:
    """Edges trips start and end on, with weights."""
    leads_on = set(net.onward)
    entered = {connection.to_edge for found in net.onward.values() for connection in found}
    starts = {name: _size(edge) for name, edge in net.edges.items() if name not in entered and name in leads_on}
    ends = {name: _size(edge) for name, edge in net.edges.items() if name not in leads_on and name in entered}
    inner = [n for n, e in sorted(net.edges.items()) if n in entered and n in leads_on and e.length_m > 60]
    chosen = draw.sample(inner, min(len(inner), 24))
    for gates in (starts, ends):
        budget = INNER_SHARE * sum(gates.values()) / max(1, len(chosen))
        gates.update(dict.fromkeys(chosen, budget))
    return starts, ends


def _size(edge: Edge) -> float:
    return len(edge.lanes) * {True: 3.0, False: 1.0}[edge.priority >= 10] * (1.5 if edge.priority >= 11 else 1.0)


def _turns_back(net: Net, edges: tuple[str, ...]) -> bool:
    first, last = net.edges[edges[0]], net.edges[edges[-1]]
    return first.tail == last.head or bool(first.ways & last.ways and first.head == last.tail)


def _fastest(net: Net, start: str, ends: Mapping[str, float], taste: Mapping[str, float]) -> Iterable[tuple[str, ...]]:
    """Fastest routes from one edge to every end (Dijkstra over edges, so that turn bans hold)."""
    best: dict[str, float] = {start: 0.0}
    before: dict[str, str] = {}
    todo = [(0.0, start)]
    while todo:
        cost, here = heapq.heappop(todo)
        if cost > best[here]:
            continue
        for connection in net.onward.get(here, ()):
            there = connection.to_edge
            edge = net.edges[there]
            price = cost + edge.length_m / edge.speed_ms * taste[there] + (4 if connection.turn in "lL" else 0)
            price += 10 if connection.signal else 0
            if price < best.get(there, float("inf")):
                best[there], before[there] = price, here
                heapq.heappush(todo, (price, there))
    for end in ends:
        if end in before:
            yield _walk_back(before, start, end)


def _walk_back(before: Mapping[str, str], start: str, end: str) -> tuple[str, ...]:
    edges = [end]
    while edges[-1] != start:
        edges.append(before[edges[-1]])
    return tuple(reversed(edges))
