# SPDX-License-Identifier: Apache-2.0
"""From ways to a graph: roads cut at junctions, the strongly connected part, and the turns that are forbidden."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from smartcity.devices import osm_roads
from smartcity.kernel import geo
from smartcity.kernel.imports import MapWay, Road, Turn


@dataclass(frozen=True, slots=True)
class Restriction:
    """A turn restriction as mapped: `rule` is OSM's value, e.g. `no_left_turn` or `only_straight_on`."""

    rule: str
    from_ways: tuple[int, ...]
    via: int
    to_ways: tuple[int, ...]


def build(lines: Sequence[MapWay]) -> tuple[Road, ...]:
    """Directed roads between junctions. Cars and walkers have a network each, so a zebra crossing cuts no street."""
    cars = [line for line in lines if osm_roads.is_open_to_cars(line.tags)]
    others = [line for line in lines if not osm_roads.is_open_to_cars(line.tags)]
    car_junctions, all_junctions = _junctions(cars), _junctions(lines)
    found = [road for line in cars for road in _directed(line, car_junctions, for_cars=True)]
    found = _only_connected(found)
    found += [road for line in others for road in _directed(line, all_junctions, for_cars=False)]
    return tuple(found)


def _junctions(lines: Iterable[MapWay]) -> set[int]:
    uses = Counter(node for line in lines for node in line.nodes)
    ends = {node for line in lines for node in (line.nodes[0], line.nodes[-1])}
    return ends | {node for node, times in uses.items() if times > 1}


def _directed(line: MapWay, junctions: set[int], *, for_cars: bool) -> Iterator[Road]:
    forward, backward = osm_roads.directions(line.tags) if for_cars else (True, True)
    cuts = [i for i, node in enumerate(line.nodes) if node in junctions]
    for start, end in pairwise(cuts):
        piece = slice(start, end + 1)
        if forward:
            yield _road(line, line.nodes[piece], line.points[piece], for_cars, forward=True)
        if backward:
            yield _road(line, line.nodes[piece][::-1], line.points[piece][::-1], for_cars, forward=False)


def _road(
    line: MapWay, nodes: tuple[int, ...], points: tuple[geo.LonLat, ...], drivable: bool, *, forward: bool
) -> Road:
    return Road(
        way=line.id,
        tail=nodes[0],
        head=nodes[-1],
        points=points,
        length_m=max(0.1, geo.length(points)),
        speed_ms=osm_roads.speed_ms(line.tags, forward=forward),
        name=line.tags.get("name", ""),
        highway=line.tags["highway"],
        lanes=osm_roads.lanes(line.tags, forward=forward),
        drivable=drivable,
        tags=line.tags,
        nodes=nodes,
    )


def _only_connected(roads: list[Road]) -> list[Road]:
    """Roads outside the largest strongly connected part stay on the map but are no longer drivable."""
    if not roads:
        return roads
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number: dict[int, int] = {}
    tails = [number.setdefault(road.tail, len(number)) for road in roads]
    heads = [number.setdefault(road.head, len(number)) for road in roads]
    graph = coo_array((np.ones(len(roads)), (tails, heads)), shape=(len(number), len(number)))
    _, part = connected_components(graph.tocsr(), directed=True, connection="strong")
    metres = np.bincount(part[tails], weights=[road.length_m for road in roads])
    largest = metres.argmax()
    inside = (part[tails] == largest) & (part[heads] == largest)
    return [road if ok else replace(road, drivable=False) for road, ok in zip(roads, inside, strict=True)]


def forbidden(restrictions: Iterable[Restriction], roads: Iterable[Road]) -> tuple[Turn, ...]:
    """Every forbidden turn between drivable roads. `only_…` forbids all other ways out of the node.

    A restriction whose roads or node the extract lacks is left out: half of it could strand a driver.
    """
    into: defaultdict[int, set[int]] = defaultdict(set)
    out_of: defaultdict[int, set[int]] = defaultdict(set)
    for road in roads:
        if road.drivable:
            into[road.head].add(road.way)
            out_of[road.tail].add(road.way)
    turns: dict[Turn, None] = {}
    for rule in restrictions:
        allowed = set(rule.to_ways) & out_of[rule.via]
        barred = out_of[rule.via] - allowed if rule.rule.startswith("only_") else allowed
        if not allowed:
            continue
        turns |= {Turn(a, rule.via, b): None for a in rule.from_ways if a in into[rule.via] for b in sorted(barred)}
    return tuple(turns)
