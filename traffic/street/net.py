# SPDX-License-Identifier: Apache-2.0
"""The simulator's road network: written by netconvert from the city's map, read back as plain records."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from traffic.street import utm

XY = tuple[float, float]
OPTIONS = {
    "--keep-edges.by-vclass": "passenger",
    "--keep-edges.components": "1",
    "--remove-edges.isolated": "true",
    "--geometry.remove": "true",
    "--ramps.guess": "false",
    "--junctions.join": "true",
    "--junctions.join-dist": "15",
    "--junctions.corner-detail": "3",
    "--max-join-ids": "50",
    "--tls.guess-signals": "true",
    "--tls.guess-signals.dist": "30",
    "--tls.discard-simple": "true",
    "--tls.join": "true",
    "--tls.default-type": "static",
    "--tls.min-dur": "5",
    "--tls.yellow.time": "3",
    "--tls.allred.time": "2",
    "--tls.left-green.time": "6",
    "--no-turnarounds": "true",
    "--no-turnarounds.except-deadend": "true",
    "--osm.turn-lanes": "true",
    "--output.original-names": "true",
    "--output.street-names": "true",
}


class NoSumo(Exception):
    """SUMO is not installed or could not read the map; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Lane:
    id: str
    length_m: float
    speed_ms: float


@dataclass(frozen=True, slots=True)
class Edge:
    """A directed road between two junctions; `ways` are the map's ways it was made of."""

    id: str
    tail: str
    head: str
    lanes: tuple[Lane, ...]
    ways: frozenset[int]
    shape: tuple[XY, ...]
    priority: int

    @property
    def length_m(self) -> float:
        return self.lanes[0].length_m

    @property
    def speed_ms(self) -> float:
        return self.lanes[0].speed_ms


@dataclass(frozen=True, slots=True)
class Connection:
    """From a lane to an edge; with a signal, `link` is its place in the state string; `foes` are links it crosses."""

    edge: str
    lane: str
    to_edge: str
    via: str
    signal: str
    link: int
    turn: str


@dataclass(frozen=True, slots=True)
class Signal:
    """One traffic light of the simulator: its links, which of them cross, and the phases netconvert proposed."""

    id: str
    links: tuple[tuple[Connection, ...], ...]
    foes: frozenset[tuple[int, int]]
    phases: tuple[tuple[str, float], ...]

    @property
    def incoming(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(connection.edge for link in self.links for connection in link))


@dataclass(frozen=True, slots=True)
class Net:
    edges: Mapping[str, Edge]
    onward: Mapping[str, tuple[Connection, ...]]
    signals: Mapping[str, Signal]
    offset: XY
    zone: int
    path: Path = field(default=Path())

    def xy(self, lon: float, lat: float) -> XY:
        """Where a point of the map lies in the simulator, metres."""
        east, north = utm.forward(lon, lat, self.zone)
        return east + self.offset[0], north + self.offset[1]


def home() -> Path:
    """Where SUMO's programs and data are. Raises NoSumo."""
    for folder in map(Path, sys.path):
        if (folder / "sumo" / "data" / "typemap").is_dir():
            return folder / "sumo"
    raise NoSumo("SUMO is not installed: run script/bootstrap --demo, or start without the twin (--no-twin)")


def build(osm: Path, folder: Path) -> Path:
    """The network file for a map, made once per map and set of options. Raises NoSumo."""
    digest = hashlib.sha256(osm.read_bytes() + repr(sorted(OPTIONS.items())).encode()).hexdigest()[:16]
    net = folder / f"{digest}.net.xml"
    if net.exists():
        return net
    folder.mkdir(parents=True, exist_ok=True)
    plain, part = folder / f"{digest}.osm.xml", folder / f"{digest}.part.net.xml"
    _unpack(osm, plain)
    root = home()
    typemap = root / "data" / "typemap" / "osmNetconvert.typ.xml"
    command = [
        str(root / "bin" / "netconvert"),
        "--osm-files",
        str(plain),
        "-o",
        str(part),
        "--type-files",
        str(typemap),
    ]
    for name, value in OPTIONS.items():
        command += [name, value]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "SUMO_HOME": str(root)}
    )
    plain.unlink(missing_ok=True)
    if done.returncode or not part.exists():
        raise NoSumo(f"netconvert could not read {osm.name}: {done.stderr.strip()[-300:]}")
    os.replace(part, net)
    return net


def _unpack(osm: Path, plain: Path) -> None:
    """netconvert reads XML, extracts come as PBF."""
    import osmium

    plain.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(plain)) as writer:
        for entity in osmium.FileProcessor(str(osm)):
            writer.add(entity)


def read(path: Path) -> Net:
    """Read a network file; only what the twin needs."""
    root = ET.parse(path).getroot()
    location = root.find("location")
    if location is None:
        raise NoSumo(f"{path.name} has no location: delete it and start again")
    x, y = map(float, location.attrib["netOffset"].split(","))
    told = re.search(r"\+zone=(\d+)", location.attrib["projParameter"])
    zone = int(told[1]) if told else 0  # a grid that lies nowhere
    edges = {e.id: e for e in map(_edge, root.iter("edge")) if e is not None}
    onward: dict[str, list[Connection]] = defaultdict(list)
    for item in root.iter("connection"):
        if item.attrib["from"] in edges and item.attrib["to"] in edges:
            connection = _connection(item.attrib, edges)
            onward[connection.edge].append(connection)
    signals = _signals(root, onward)
    return Net(edges, {edge: tuple(found) for edge, found in onward.items()}, signals, (x, y), zone, path)


def _edge(item: ET.Element) -> Edge | None:
    if item.attrib.get("function"):
        return None
    lanes, ways = [], set[int]()
    for lane in item.iter("lane"):
        if "passenger" in lane.attrib.get("disallow", "") or "passenger" not in lane.attrib.get("allow", "passenger"):
            continue
        lanes.append(Lane(lane.attrib["id"], float(lane.attrib["length"]), float(lane.attrib["speed"])))
        for param in lane.iter("param"):
            if param.attrib["key"] == "origId":
                ways |= {int(word) for word in param.attrib["value"].split()}
    if not lanes:
        return None
    shape = item.attrib.get("shape") or next(lane.attrib["shape"] for lane in item.iter("lane"))
    points = tuple((float(p.split(",")[0]), float(p.split(",")[1])) for p in shape.split())
    get = item.attrib
    return Edge(get["id"], get["from"], get["to"], tuple(lanes), frozenset(ways), points, int(get.get("priority", 0)))


def _connection(get: Mapping[str, str], edges: Mapping[str, Edge]) -> Connection:
    lane = f"{get['from']}_{get['fromLane']}"
    link = int(get.get("linkIndex", -1))
    return Connection(get["from"], lane, get["to"], get.get("via", ""), get.get("tl", ""), link, get.get("dir", "s"))


def _signals(root: ET.Element, onward: Mapping[str, list[Connection]]) -> dict[str, Signal]:
    links: dict[str, dict[int, list[Connection]]] = defaultdict(lambda: defaultdict(list))
    for connections in onward.values():
        for connection in connections:
            if connection.signal:
                links[connection.signal][connection.link].append(connection)
    crossing, beyond = _crossing_lanes(root), _beyond(root)
    found = {}
    for item in root.iter("tlLogic"):
        name = item.attrib["id"]
        if name not in links:
            continue
        size = len(item.find("phase").attrib["state"])  # type: ignore[union-attr]
        rows = tuple(tuple(links[name].get(i, ())) for i in range(size))
        phases = tuple((p.attrib["state"], float(p.attrib["duration"])) for p in item.iter("phase"))
        found[name] = Signal(name, rows, _foes(rows, crossing, beyond), phases)
    return found


def _crossing_lanes(root: ET.Element) -> dict[str, set[str]]:
    """Internal lane → internal lanes of the same junction that cross or merge with it."""
    crossing: dict[str, set[str]] = {}
    for junction in root.iter("junction"):
        inside = junction.attrib.get("intLanes", "").split()
        for request in junction.iter("request"):
            index, bits = int(request.attrib["index"]), request.attrib["foes"]
            if index < len(inside):
                crossing[inside[index]] = {
                    inside[other] for other, bit in enumerate(reversed(bits)) if bit == "1" and other < len(inside)
                }
    return crossing


def _beyond(root: ET.Element) -> dict[str, str]:
    """Inner lane → the inner lane after it. Who turns left waits inside: what crosses it is listed by the second."""
    rows = (item.attrib for item in root.iter("connection"))
    return {f"{r['from']}_{r['fromLane']}": r["via"] for r in rows if r["from"].startswith(":") and "via" in r}


def _foes(
    rows: tuple[tuple[Connection, ...], ...], crossing: Mapping[str, set[str]], beyond: Mapping[str, str]
) -> frozenset[tuple[int, int]]:
    by_lane = {
        lane: index
        for index, row in enumerate(rows)
        for connection in row
        for lane in (connection.via, beyond.get(connection.via, ""))
        if lane
    }
    pairs = set()
    for lane, index in by_lane.items():
        for other in crossing.get(lane, ()):
            if other in by_lane and by_lane[other] != index:
                pairs.add((index, by_lane[other]))
    return frozenset(pairs)
