# SPDX-License-Identifier: Apache-2.0
"""Read an OpenStreetMap extract (.osm.pbf, .osm, .osm.gz, .osm.bz2) once, into memory, into a Town."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import osmium

from smartcity.devices import osm_roads, road_graph
from smartcity.kernel import geo
from smartcity.kernel.imports import LonLat, MapNode, MapWay, Town

TOWNS = ("city", "town", "village", "hamlet")
Box = tuple[float, float, float, float]


class BadMap(Exception):
    """The file cannot be imported; the message says why and what to do, in one sentence."""


@dataclass(frozen=True, slots=True)
class Way:
    id: int
    refs: tuple[int, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Relation:
    id: int
    tags: Mapping[str, str]
    members: tuple[tuple[str, int, str], ...]  # (n, w or r; id; role)


@dataclass(slots=True)
class Extract:
    """What the file holds, as it stands."""

    points: dict[int, LonLat] = field(default_factory=dict)
    nodes: list[MapNode] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    box: Box | None = None


def read(path: Path, name: str = "") -> Town:
    """The town in the file. Raises BadMap for a file that is missing, empty, broken or not a map with roads."""
    extract = scan(path)
    lines = [line for way in extract.ways if osm_roads.is_road(way.tags) for line in _runs(way, extract.points)]
    roads = road_graph.build(lines)
    if not any(road.drivable for road in roads):
        raise BadMap(f"{path.name} holds no road a car may use; take an extract that covers a town's streets.")
    bounds = extract.box or _extent(extract.points)
    return Town(
        name=name or _name(extract.nodes, bounds) or path.name.partition(".")[0],
        bounds=bounds,
        nodes=tuple(extract.nodes),
        ways=(*_map_ways(extract), *_rings(extract)),
        roads=roads,
        node_points=extract.points,
        turns=road_graph.forbidden(_restrictions(extract.relations), roads),
    )


def scan(path: Path) -> Extract:
    """Everything in the file, objects in any order. Raises BadMap."""
    if not path.is_file():
        raise BadMap(f"{path} is not a file; give the path of an OpenStreetMap extract (.osm.pbf, .osm or .osm.gz).")
    if path.stat().st_size == 0:
        raise BadMap(f"{path.name} is empty; download the extract again.")
    extract = Extract()
    try:
        extract.box = _box(path)
        for item in osmium.FileProcessor(str(path)):
            _keep(item, extract)
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadMap(f"{path.name} cannot be read as OpenStreetMap data ({reason}); download it again.") from None
    if not extract.points or not extract.ways:
        raise BadMap(f"{path.name} holds no streets; take an extract that covers a town.")
    return extract


def _keep(item: Any, extract: Extract) -> None:
    if item.deleted or not item.visible:
        return
    tags = {tag.k: tag.v for tag in item.tags}
    if item.is_node():
        if item.location.valid():
            point = (item.location.lon, item.location.lat)
            extract.points[item.id] = point
            if tags:
                extract.nodes.append(MapNode(item.id, point, tags))
    elif item.is_way():
        extract.ways.append(Way(item.id, tuple(node.ref for node in item.nodes), tags))
    elif item.is_relation():
        extract.relations.append(Relation(item.id, tags, tuple((m.type, m.ref, m.role) for m in item.members)))


def _box(path: Path) -> Box | None:
    with osmium.io.Reader(str(path), osmium.osm.osm_entity_bits.NOTHING) as reader:
        box = reader.header().box()
    if not box.valid():
        return None
    return box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat


def _extent(points: Mapping[int, LonLat]) -> Box:
    lons, lats = zip(*points.values(), strict=True)
    return min(lons), min(lats), max(lons), max(lats)


def _runs(way: Way, points: Mapping[int, LonLat]) -> Iterator[MapWay]:
    """The parts of a way that lie in the extract; nodes beyond its edge are not in the file."""
    for inside, refs in groupby(way.refs, key=points.__contains__):
        nodes = tuple(ref for ref, _ in groupby(refs))
        if inside and len(nodes) > 1:
            yield MapWay(way.id, nodes, tuple(points[node] for node in nodes), way.tags)


def _map_ways(extract: Extract) -> Iterator[MapWay]:
    """Tagged ways, each once: of one that leaves the extract and returns, the longest part."""
    for way in extract.ways:
        if way.tags:
            longest = max(_runs(way, extract.points), key=lambda run: len(run.nodes), default=None)
            if longest:
                yield longest


def _rings(extract: Extract) -> Iterator[MapWay]:
    refs = {way.id: way.refs for way in extract.ways}
    for relation in extract.relations:
        if relation.tags.get("type") != "multipolygon" or len(relation.tags) < 2:
            continue
        outer = [refs[ref] for kind, ref, role in relation.members if kind == "w" and role != "inner" and ref in refs]
        joined = max(_join([list(part) for part in outer if len(part) > 1]), key=len, default=())
        yield from _runs(Way(-relation.id, tuple(joined), relation.tags), extract.points)


def _join(parts: list[list[int]]) -> Iterator[Sequence[int]]:
    """Chain lines that meet end to end; closed chains are rings."""
    while parts:
        chain = parts.pop()
        while chain[0] != chain[-1]:
            ends = {chain[0], chain[-1]}
            touching = next((part for part in parts if ends & {part[0], part[-1]}), None)
            if touching is None:
                break
            parts.remove(touching)
            chain = _chained(chain, touching)
        yield chain


def _chained(a: list[int], b: list[int]) -> list[int]:
    if a[-1] == b[0]:
        return a + b[1:]
    if a[-1] == b[-1]:
        return a + b[-2::-1]
    if a[0] == b[-1]:
        return b + a[1:]
    return b[::-1] + a[1:]


def _restrictions(relations: Sequence[Relation]) -> Iterator[road_graph.Restriction]:
    for relation in relations:
        rule = relation.tags.get("restriction:motorcar") or relation.tags.get("restriction", "")
        exempt = {word.strip() for word in relation.tags.get("except", "").split(";")}
        if not rule.startswith(("no_", "only_")) or exempt & {"motorcar", "motor_vehicle", "vehicle"}:
            continue
        role: dict[str, tuple[int, ...]] = {
            word: tuple(ref for kind, ref, r in relation.members if r == word and kind == wanted)
            for word, wanted in (("from", "w"), ("via", "n"), ("to", "w"))
        }
        if role["from"] and len(role["via"]) == 1 and role["to"]:
            yield road_graph.Restriction(rule, role["from"], role["via"][0], role["to"])


def _name(nodes: Sequence[MapNode], bounds: Box) -> str:
    """The largest place inside the extract; of equals the one nearest its middle."""
    middle = ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    places = [node for node in nodes if node.tags.get("place") in TOWNS and node.tags.get("name")]
    nearest = min(
        places, key=lambda node: (TOWNS.index(node.tags["place"]), geo.metres(node.point, middle)), default=None
    )
    return nearest.tags["name"] if nearest else ""
