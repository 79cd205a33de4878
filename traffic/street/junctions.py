# SPDX-License-Identifier: Apache-2.0
"""The whole simulated street: detectors and cabinets of every matched intersection around one simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smartcity.kernel.street import StreetDevice
from traffic.codecs import Measured
from traffic.street import demand, match, net, stages
from traffic.street.controller import Cabinet
from traffic.street.sumo import Simulation

MEASURE_S = 300  # control delay and waits on foot are averages over this long


@dataclass(frozen=True, slots=True)
class Layout:
    """What is fixed: the network, the demand, the matched sites, their programmes and detector zones."""

    net: net.Net
    demand: demand.Demand
    programmes: Mapping[str, stages.Programme]
    zones: Mapping[str, match.Zone]
    approaches: Mapping[str, tuple[str, ...]]
    peak_flow: Mapping[str, float]


def lay_out(osm: Path, folder: Path, devices: Sequence[StreetDevice], seed: int) -> Layout:
    """Deterministic by map, devices and seed. Raises net.NoSumo."""
    network = net.read(net.build(osm, folder))
    sites = match.sites(network, devices)
    trips = demand.make(network, seed)
    edges = {uid: found for site in sites for uid, found in site.approaches.items() if found}
    zones = {uid: match.zone(network, found) for uid, found in edges.items()}
    names = {device.uid: device.name for device in devices}
    storage = {uid: zone.length_m / 7.5 for uid, zone in zones.items()}
    downstream = _downstream(network, edges, zones)
    programmes = {
        site.uid: stages.programme(network, site, trips, names=names, storage=storage, downstream=downstream)
        for site in sites
    }
    flows = trips.flows()
    peak = {uid: sum(flows.get(edge, 0.0) for edge in found) for uid, found in edges.items()}
    approaches = {site.uid: tuple(uid for uid, found in site.approaches.items() if found) for site in sites}
    return Layout(network, trips, programmes, zones, approaches, peak)


def _downstream(
    network: net.Net, edges: Mapping[str, tuple[str, ...]], zones: Mapping[str, match.Zone]
) -> dict[str, tuple[str, ...]]:
    """Approach → approaches its vehicles come to next, where those are observed."""
    watched = {lane.rpartition("_")[0]: uid for uid, zone in zones.items() for lane, _ in zone.lanes}
    found = {}
    for uid, mine in edges.items():
        after = {watched.get(c.to_edge) for edge in mine for c in network.onward.get(edge, ())}
        found[uid] = tuple(sorted(next_one for next_one in after if next_one and next_one != uid))
    return found


@dataclass(slots=True)
class Tally:
    """Running sums of one junction since the last measure."""

    queued_s: float = 0.0
    departed: int = 0
    closed_s: dict[str, int] = field(default_factory=dict)
    closed_area: float = 0.0
    crossings_s: int = 0


class Street:
    """Steps the simulation and every cabinet; `epoch_s` is the city second of simulated second 0."""

    def __init__(self, layout: Layout, seed: int, epoch_s: int, *, log: Path | None = None) -> None:
        self.layout, self.epoch_s = layout, epoch_s
        self.simulation = Simulation(layout.net, layout.demand, seed, log=log)
        self.simulation.watch(layout.zones)
        self.cabinets = {uid: Cabinet(programme) for uid, programme in layout.programmes.items()}
        self.tallies = {uid: Tally() for uid in self.cabinets}
        self._shown: dict[str, str] = {}
        for number, cabinet in enumerate(self.cabinets.values()):
            cabinet.start(epoch_s - 7 * number % 40)

    @property
    def now(self) -> int:
        """City time in whole seconds since 1970."""
        return self.epoch_s + self.simulation.second

    def step(self, share_of_peak: float) -> list[str]:
        """One second; the answer is the intersections whose stage changed."""
        self.simulation.step(share_of_peak)
        return [uid for uid, cabinet in self.cabinets.items() if self._drive(uid, cabinet)]

    def _drive(self, uid: str, cabinet: Cabinet) -> bool:
        before = (cabinet.running, cabinet.changing_to)
        calls = self._calls(uid, cabinet.programme)
        is_blocked = bool(cabinet.changing_to) and self.simulation.box_is_blocked(cabinet.programme.signal)
        state = cabinet.tick(self.now, calls, box_is_blocked=is_blocked)
        if self._shown.get(uid) != state:
            self.simulation.show(cabinet.programme.signal, state)
            self._shown[uid] = state
        self._count(uid, cabinet)
        return before != (cabinet.running, cabinet.changing_to)

    def _calls(self, uid: str, programme: stages.Programme) -> list[int]:
        """Stages somebody waits for: of those that serve a waiting approach, the one that serves it best."""
        wanted = set()
        for approach in self.layout.approaches[uid]:
            if self.simulation.has_call(approach):
                best = max(programme.stages, key=lambda stage: stage.serves.get(approach, 0.0))
                wanted.add(best.number)
        return sorted(wanted)

    def _count(self, uid: str, cabinet: Cabinet) -> None:
        """Queue-seconds, departures, and how long each crossing (one per approach) stays closed to people on foot."""
        tally = self.tallies[uid]
        serves = {} if cabinet.changing_to else _stage(cabinet).serves
        every_other = self.simulation.second % 2 == 0
        for approach in self.layout.approaches[uid]:
            tally.departed += self.simulation.departed_last_second(approach)
            if every_other:
                tally.queued_s += 2 * self.simulation.queue(approach)
            tally.crossings_s += 1
            if cabinet.changing_to or serves.get(approach, 0.0) > 0:
                tally.closed_s[approach] = tally.closed_s.get(approach, 0) + 1
            elif (closed := tally.closed_s.pop(approach, 0)) > 0:
                tally.closed_area += closed**2 / 2

    def measures(self, uid: str) -> tuple[float, float]:
        """Control delay (s/veh: queue-seconds over departures) and expected wait on foot (s), then starts anew.

        A person who comes at a random second to a crossing closed for c seconds waits c²/2 in all; over T seconds
        that is sum(c²) / 2T (renewal argument, as for uniform arrivals at a signal).
        """
        tally = self.tallies[uid]
        area = tally.closed_area + sum(closed**2 / 2 for closed in tally.closed_s.values())
        delay = tally.queued_s / max(1, tally.departed)
        on_foot = area / max(1, tally.crossings_s)
        self.tallies[uid] = Tally(closed_s={})
        return min(delay, 3600.0), on_foot

    def detectors(self) -> dict[str, Measured]:
        return {uid: self.simulation.measure(uid) for uid in self.layout.zones}

    def close(self) -> None:
        self.simulation.close()


def _stage(cabinet: Cabinet) -> stages.Stage:
    return next(stage for stage in cabinet.programme.stages if stage.number == cabinet.running)
