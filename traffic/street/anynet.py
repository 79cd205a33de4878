# SPDX-License-Identifier: Apache-2.0
"""Any network of SUMO's, read for its signals: links, who yields to whom, green stages, and what is upstream."""

from __future__ import annotations

import gzip
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

GREEN = "Gg"


class BadNet(ValueError):
    """The file is not a network with signals; the message says why."""


@dataclass(frozen=True, slots=True)
class Link:
    """One movement over a stop line: `lane` to `to_lane` through `inside`, its lanes in the junction."""

    lane: str
    to_lane: str
    inside: tuple[str, ...]
    turn: str


@dataclass(frozen=True, slots=True)
class Signal:
    """`links` by place in the state string; `yields`: link → links it gives way to; `foes`: pairs that cross."""

    id: str
    links: tuple[tuple[Link, ...], ...]
    yields: Mapping[int, frozenset[int]]
    foes: frozenset[tuple[int, int]]
    phases: tuple[tuple[str, float], ...]

    @property
    def stages(self) -> tuple[str, ...]:
        """The green phases: something may go and nothing clears, each once, in the order of the programme."""
        return tuple(dict.fromkeys(state for state, _ in self.phases if is_green(state)))

    @property
    def lanes(self) -> tuple[str, ...]:
        """Lanes that end at its stop lines."""
        return tuple(dict.fromkeys(link.lane for row in self.links for link in row))

    @property
    def inside(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(lane for row in self.links for link in row for lane in link.inside))


@dataclass(frozen=True, slots=True)
class Lane:
    id: str
    length_m: float
    speed_ms: float


@dataclass(frozen=True, slots=True)
class AnyNet:
    """`upstream`: lane → lanes that lead into it over a node without a signal; `into`: the same with signals."""

    path: Path
    lanes: Mapping[str, Lane]
    signals: Mapping[str, Signal]
    upstream: Mapping[str, tuple[str, ...]]
    onward: Mapping[str, tuple[str, ...]]


def is_green(state: str) -> bool:
    return not any(letter in "yYu" for letter in state) and any(letter in GREEN for letter in state)


def read(path: Path) -> AnyNet:
    """Reads plain and gzipped files. Raises BadNet when it is no network or has no signal with two green stages."""
    try:
        with _opened(path) as file:
            root = ET.parse(file).getroot()
    except (OSError, ET.ParseError) as error:
        raise BadNet(f"{path}: {error}") from None
    if root.tag != "net":
        raise BadNet(f"{path} is not a network of SUMO's: its first element is <{root.tag}>")
    lanes = {lane.id: lane for lane in _lanes(root)}
    upstream, onward = defaultdict(list), defaultdict(list)
    for get in (item.attrib for item in root.iter("connection")):
        a, b = f"{get['from']}_{get['fromLane']}", f"{get['to']}_{get['toLane']}"
        if not get["from"].startswith(":") and not get.get("tl"):
            upstream[b].append(a)
            onward[a].append(b)
    signals = {signal.id: signal for signal in _signals(root) if len(signal.stages) > 1}
    if not signals:
        raise BadNet(f"{path} has no signal with two green stages")
    return AnyNet(path, lanes, signals, _frozen(upstream), _frozen(onward))


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _frozen(rows: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(dict.fromkeys(values)) for key, values in rows.items()}


def _lanes(root: ET.Element) -> Iterator[Lane]:
    for edge in root.iter("edge"):
        for lane in edge.iter("lane"):
            yield Lane(lane.attrib["id"], float(lane.attrib["length"]), float(lane.attrib["speed"]))


def _signals(root: ET.Element) -> Iterator[Signal]:
    beyond = {
        f"{item.attrib['from']}_{item.attrib['fromLane']}": item.attrib["via"]
        for item in root.iter("connection")
        if item.attrib["from"].startswith(":") and "via" in item.attrib
    }
    links: dict[str, dict[int, list[Link]]] = defaultdict(lambda: defaultdict(list))
    for get in (item.attrib for item in root.iter("connection") if item.attrib.get("tl")):
        lane, to = f"{get['from']}_{get['fromLane']}", f"{get['to']}_{get['toLane']}"
        via = get.get("via", "")
        inside = tuple(part for part in (via, beyond.get(via, "")) if part)
        if "linkIndex" in get:
            links[get["tl"]][int(get["linkIndex"])].append(Link(lane, to, inside, get.get("dir", "s")))
    response, crossing = _requests(root)
    for name, phases in _programmes(root).items():
        size = max(len(state) for state, _ in phases)
        rows = tuple(tuple(links[name].get(i, ())) for i in range(size))
        by_lane = {part: i for i, row in enumerate(rows) for link in row for part in link.inside}
        yields = {i: _among(rows[i], response, by_lane, i) for i in range(size)}
        foes = frozenset((i, j) for i in range(size) for j in _among(rows[i], crossing, by_lane, i))
        yield Signal(name, rows, yields, foes, phases)


def _among(
    row: tuple[Link, ...], table: Mapping[str, set[str]], by_lane: Mapping[str, int], own: int
) -> frozenset[int]:
    found = {by_lane.get(lane, own) for link in row for part in link.inside for lane in table.get(part, ())}
    return frozenset(found - {own})


def _programmes(root: ET.Element) -> dict[str, tuple[tuple[str, float], ...]]:
    """The first programme of each signal that has phases: the one SUMO starts with."""
    found: dict[str, tuple[tuple[str, float], ...]] = {}
    for item in root.iter("tlLogic"):
        phases = tuple((p.attrib["state"], float(p.attrib.get("duration", 0))) for p in item.iter("phase"))
        if phases:
            found.setdefault(item.attrib["id"], phases)
    return found


def _requests(root: ET.Element) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Inner lane → inner lanes it gives way to, and those it crosses, of the same junction."""
    response, crossing = {}, {}
    for junction in root.iter("junction"):
        inside = junction.attrib.get("intLanes", "").split()
        for request in junction.iter("request"):
            index = int(request.attrib["index"])
            if index < len(inside):
                response[inside[index]] = _bits(request.attrib["response"], inside)
                crossing[inside[index]] = _bits(request.attrib["foes"], inside)
    return response, crossing


def _bits(bits: str, inside: list[str]) -> set[str]:
    return {inside[i] for i, bit in enumerate(reversed(bits)) if bit == "1" and i < len(inside)}
