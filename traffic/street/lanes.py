# SPDX-License-Identifier: Apache-2.0
"""Detectors of every lane of any network: which zones a junction's heads watch, where its exits lead, what they see.

A zone is a piece of lane up to `reach_m` before the stop line, followed upstream over nodes without a signal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import libsumo
import numpy as np
from numpy.typing import NDArray

from traffic.planner import model
from traffic.planner.frames import STANDING_MS, Frame, Way, Zone
from traffic.street.anynet import AnyNet, Signal

EXIT_M = 25.0
FULL_M = 12.0
CREEPING_MS = 1.0
BOX_SLOW_MS = 5.0
LOOK_AHEAD_S = 90.0


@dataclass(frozen=True, slots=True)
class Site:
    """A signalised junction: its model, zones by index with (lane, metres from its end to the stop line), exits."""

    signal: Signal
    model: model.Intersection
    zones: tuple[Zone, ...]
    places: tuple[tuple[str, float], ...]
    exits: tuple[str, ...]
    ways: Mapping[int, tuple[Way, ...]]
    lit: Mapping[int, float]
    out_of: Mapping[int, tuple[str, ...]]


def sites(net: AnyNet, reach_m: float, *, all_red_s: float = 1.0) -> list[Site]:
    """One for each signal. Cost O(links + lanes within reach)."""
    drafts = []
    for signal in net.signals.values():
        links = [[link.lane for link in row] for row in signal.links]
        built = model.intersection(signal.id, signal.stages, links, signal.yields, all_red_s=all_red_s)
        drafts.append((signal, built))
    stops: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for signal, built in drafts:
        for number, lane in enumerate(built.lanes):
            stops[_edge(lane)].append((signal.id, number))
    follow = _following(net)
    found, lit = [], defaultdict[str, dict[int, float]](dict)
    for signal, built in drafts:
        exits = tuple(dict.fromkeys(link.to_lane for row in signal.links for link in row))
        ways = {i: tuple(_ways(net, follow, stops, lane)) for i, lane in enumerate(exits)}
        for way in (way for row in ways.values() for way in row):
            shown = lit[way.junction]
            shown.update({number: max(shown.get(number, 0.0), way.travel_s) for number in way.lanes})
        found.append((signal, built, exits, ways))
    return [_site(net, reach_m, *draft, lit=lit[draft[0].id]) for draft in found]


def _site(
    net: AnyNet,
    reach_m: float,
    signal: Signal,
    built: model.Intersection,
    exits: tuple[str, ...],
    ways: Mapping[int, tuple[Way, ...]],
    *,
    lit: Mapping[int, float],
) -> Site:
    feeds: dict[str, list[int]] = defaultdict(list)
    offset: dict[str, float] = {}
    for number, lane in enumerate(built.lanes):
        todo, seen = [(lane, 0.0)], set[str]()
        while todo:
            here, gone = todo.pop()
            if here in seen:
                continue
            seen.add(here)
            feeds[here].append(number)
            offset[here] = min(offset.get(here, gone), gone)
            if gone + net.lanes[here].length_m < reach_m:
                todo += [(up, gone + net.lanes[here].length_m) for up in net.upstream.get(here, ())]
    zones = tuple(
        Zone(net.lanes[lane].speed_ms, min(reach_m, offset[lane] + net.lanes[lane].length_m), tuple(feeds[lane]))
        for lane in feeds
    )
    out_of = defaultdict[int, set[str]](set)
    for row in signal.links:
        for link in row:
            out_of[built.lanes.index(link.lane)].add(link.to_lane)
    places = tuple((lane, offset[lane]) for lane in feeds)
    leave = {lane: tuple(sorted(names)) for lane, names in out_of.items()}
    return Site(signal, built, zones, places, exits, ways, dict(lit), leave)


def _edge(lane: str) -> str:
    return lane.rpartition("_")[0]


def _following(net: AnyNet) -> dict[str, set[str]]:
    found = defaultdict[str, set[str]](set)
    for lane, onward in net.onward.items():
        found[_edge(lane)] |= {_edge(other) for other in onward}
    return found


def _ways(
    net: AnyNet, follow: Mapping[str, set[str]], stops: Mapping[str, Sequence[tuple[str, int]]], lane: str
) -> list[Way]:
    """Where vehicles from an exit lane come to the next signals: at a fork, in equal parts."""
    found: list[Way] = []
    todo, seen = [(lane, 0.0, 1.0)], set[str]()
    while todo:
        here, gone, part = todo.pop()
        edge = _edge(here)
        if edge in seen:
            continue
        seen.add(edge)
        gone += net.lanes[here].length_m / net.lanes[here].speed_ms
        if edge in stops:
            by_junction = defaultdict[str, list[int]](list)
            for junction, number in stops[edge]:
                by_junction[junction].append(number)
            found += [Way(junction, tuple(lanes), gone, part) for junction, lanes in by_junction.items()]
        elif gone < LOOK_AHEAD_S:
            after = follow.get(edge, set())
            todo += [(f"{name}_0", gone, part / len(after)) for name in sorted(after) if f"{name}_0" in net.lanes]
    return found


@dataclass(slots=True)
class Noise:
    """What is wrong with the detectors: parts of all vehicles, and dead zones by junction."""

    draw: Random
    missed: float = 0.02
    false: float = 0.01
    late: float = 0.1
    dead: Mapping[str, frozenset[int]] = field(default_factory=dict)


def dead(sites: Sequence[Site], draw: Random) -> dict[str, frozenset[int]]:
    """One dead zone for each five junctions, at least one."""
    struck = draw.sample(list(sites), max(1, len(sites) // 5))
    return {site.signal.id: frozenset({draw.randrange(len(site.zones))}) for site in struck}


class Heads:
    """The detector heads of one junction in the running simulation."""

    def __init__(self, site: Site, reach_m: float, noise: Noise | None = None) -> None:
        self.site, self.reach_m, self.noise = site, reach_m, noise
        self._dead = noise.dead.get(site.signal.id, frozenset()) if noise else frozenset[int]()
        self._at_stop: list[set[str]] = [set() for _ in site.model.lanes]
        self._at_exit: list[set[str]] = [set() for _ in site.exits]
        self._lengths = {lane: float(libsumo.lane.getLength(lane)) for lane, _ in site.places}
        self.waited = np.zeros(len(site.model.lanes))

    def look(self, at_ms: int) -> Frame:
        """What they say of this second."""
        zones = {i: self._zone(i) for i in range(len(self.site.zones)) if i not in self._dead}
        frame = Frame(at_ms, zones, self._departed(), self._blocked(), self._passed())
        self._wait(frame)
        return frame

    def _wait(self, frame: Frame) -> None:
        """Seconds since somebody left each lane in which one stands at the stop line, whatever the lamp showed."""
        stands = np.zeros(len(self.waited), bool)
        for index, vehicles in frame.zones.items():
            feeds = self.site.zones[index].feeds
            if len(feeds) == 1 and any(speed < STANDING_MS for _, speed in vehicles):
                stands[feeds[0]] = True
        self.waited = np.where(stands | ((self.waited > 0) & self._is_occupied(frame)), self.waited + 1, 0.0)
        self.waited[list(frame.departed)] = 0.0  # nobody calls in the second somebody leaves

    def _is_occupied(self, frame: Frame) -> NDArray[np.bool_]:
        found = np.zeros(len(self.waited), bool)
        for index, vehicles in frame.zones.items():
            if vehicles:
                found[list(self.site.zones[index].feeds)] = True
        return found

    def _zone(self, index: int) -> list[tuple[float, float]]:
        lane, offset = self.site.places[index]
        seen = []
        for vehicle in libsumo.lane.getLastStepVehicleIDs(lane):
            metres = offset + self._lengths[lane] - libsumo.vehicle.getLanePosition(vehicle)
            if metres <= self.reach_m and not self._misses():
                seen.append((metres, libsumo.vehicle.getSpeed(vehicle)))
        if self.noise and self.noise.draw.random() < self.noise.false:
            seen.append((self.noise.draw.uniform(0, self.reach_m), self.noise.draw.uniform(0, 14)))
        return seen

    def _misses(self) -> bool:
        return self.noise is not None and self.noise.draw.random() < self.noise.missed

    def _departed(self) -> dict[int, int]:
        found = {}
        for number, lane in enumerate(self.site.model.lanes):
            here = set(libsumo.lane.getLastStepVehicleIDs(lane))
            gone = self._at_stop[number] - here
            if gone:
                edge = _edge(lane)
                crossed = sum(not _is_on(vehicle, edge) and not self._misses() for vehicle in gone)
                if crossed:
                    found[number] = crossed
            self._at_stop[number] = here
        return found

    def _passed(self) -> dict[int, int]:
        found = {}
        for number, lane in enumerate(self.site.exits):
            here = set(libsumo.lane.getLastStepVehicleIDs(lane))
            new = here - self._at_exit[number]
            if new and self.site.ways[number]:
                came = sum(libsumo.vehicle.getLanePosition(v) < EXIT_M and not self._misses() for v in new)
                if came:
                    found[number] = came
            self._at_exit[number] = here
        return found

    def _blocked(self) -> frozenset[int]:
        full = {lane for lane in self.site.exits if _has_no_room(lane)}
        return frozenset(i for i, exits in self.site.out_of.items() if full.issuperset(exits))

    def box_is_occupied(self) -> bool:
        """Somebody slow is still inside the junction: its own detector, not the planner's."""
        return any(
            libsumo.lane.getLastStepVehicleNumber(lane) and libsumo.lane.getLastStepMeanSpeed(lane) < BOX_SLOW_MS
            for lane in self.site.signal.inside
        )


def _is_on(vehicle: str, edge: str) -> bool:
    """Still on this road, in another lane."""
    try:
        return bool(libsumo.vehicle.getRoadID(vehicle) == edge)
    except libsumo.TraCIException:
        return False


def _has_no_room(lane: str) -> bool:
    vehicles = libsumo.lane.getLastStepVehicleIDs(lane)
    if not vehicles:
        return False
    last = vehicles[0]
    tail = libsumo.vehicle.getLanePosition(last) - libsumo.vehicle.getLength(last)
    return bool(tail < FULL_M and libsumo.vehicle.getSpeed(last) < CREEPING_MS)
