# SPDX-License-Identifier: Apache-2.0
"""The whole simulated street: detectors and cabinets of every matched intersection around one simulation."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path

from smartcity.kernel.street import StreetDevice
from traffic.codecs import Measured
from traffic.street import demand, match, net, stages
from traffic.street.controller import Cabinet
from traffic.street.detectors import Lane, Sight
from traffic.street.faults import NOBODY, Struck
from traffic.street.recorder import Recorder, Second
from traffic.street.sumo import Simulation

SOMEBODY_S = 12.0  # at the peak, somebody on foot presses the button this long after a crossing has closed
MEASURE_MIN = 5  # control delay and waits on foot are averages over this many minutes


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
    trips = replace(trips, lines=_tram_lines(trips, edges, {d.uid for d in devices if d.twin.get("tram")}))
    zones = {uid: match.zone(network, found) for uid, found in edges.items()}
    names = {device.uid: device.name for device in devices}
    storage = {uid: zone.length_m / 7.5 for uid, zone in zones.items()}
    downstream = _downstream(network, edges, zones)
    programmes = {
        site.uid: stages.programme(network, site, trips, names=names, storage=storage, downstream=downstream)
        for site in sites
    }
    programmes = {uid: replace(found, lanes=_watched(found, zones)) for uid, found in programmes.items()}
    flows = trips.flows()
    peak = {uid: sum(flows.get(edge, 0.0) for edge in found) for uid, found in edges.items()}
    approaches = {site.uid: tuple(uid for uid, found in site.approaches.items() if found) for site in sites}
    return Layout(network, trips, programmes, zones, approaches, peak)


def _watched(programme: stages.Programme, zones: Mapping[str, match.Zone]) -> Mapping[str, Lane]:
    """Lanes that have a loop."""
    return {name: lane for name, lane in programme.lanes.items() if name in zones[lane.detector].stop_lanes}


def _tram_lines(
    trips: demand.Demand, edges: Mapping[str, tuple[str, ...]], with_tram: AbstractSet[str]
) -> tuple[tuple[str, ...], ...]:
    tracks = {edge for uid, found in edges.items() if uid in with_tram for edge in found}
    streets = {edge for uid, found in edges.items() if uid not in with_tram for edge in found}
    return tuple(demand.tram_lines(trips.routes, tracks, streets))


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
    """Sums of one junction over one minute: vehicle-seconds queued, departures, crossing-seconds and their waits.

    Trams count as vehicles too, and once more apart.
    """

    queued_s: float = 0.0
    departed: int = 0
    trams_queued_s: float = 0.0
    trams_departed: int = 0
    foot_s: float = 0.0
    crossings_s: int = 0


class Street:
    """Steps the simulation and every cabinet; `epoch_s` is the city second of simulated second 0."""

    def __init__(self, layout: Layout, seed: int, epoch_s: int, *, log: Path | None = None) -> None:
        self.layout, self.epoch_s = layout, epoch_s
        self.simulation = Simulation(layout.net, layout.demand, seed, log=log)
        self.simulation.watch(layout.zones)
        self.cabinets = {uid: Cabinet(programme) for uid, programme in layout.programmes.items()}
        self._minutes = {uid: deque([Tally()], maxlen=MEASURE_MIN) for uid in self.cabinets}
        self._closed_s: dict[str, int] = {}
        self._crossings = {uid for programme in layout.programmes.values() for uid in programme.crossings}
        self._somebody_comes_after_s = SOMEBODY_S
        self._shown: dict[str, str] = {}
        self.recorders: dict[str, Recorder] = {}
        self.struck: Struck = NOBODY
        self._start_cabinets()

    def _start_cabinets(self) -> None:
        for number, cabinet in enumerate(self.cabinets.values()):
            cabinet.start(self.now - 7 * number % 40)

    @property
    def now(self) -> int:
        """City time in whole seconds since 1970."""
        return self.epoch_s + self.simulation.second

    def begin(self, now: int, warm_up_s: int, share_of_peak: float) -> None:
        """Fill the empty street, so that it stands at `now` as if it had always run."""
        self.epoch_s = now - warm_up_s - self.simulation.second
        self._start_cabinets()
        self.live(warm_up_s, share_of_peak)

    def live(self, seconds: int, share_of_peak: float) -> None:
        """So many seconds at a steady share of the peak demand."""
        for _ in range(seconds):
            self.step(share_of_peak)
            if self.now % 60 == 0:
                self.close_minute()

    def go_on_at(self, now: int) -> None:
        """The city's clock has jumped: the street goes on from there as it stands."""
        by = now - self.now
        self.epoch_s += by
        for cabinet in self.cabinets.values():
            cabinet.shift(by)

    def step(self, share_of_peak: float) -> list[str]:
        """One second; the answer is the intersections whose stage changed."""
        self._somebody_comes_after_s = SOMEBODY_S / max(share_of_peak, 0.05)
        self.simulation.step(share_of_peak)
        return [uid for uid, cabinet in self.cabinets.items() if self._drive(uid, cabinet)]

    def _drive(self, uid: str, cabinet: Cabinet) -> bool:
        before = (cabinet.running, cabinet.changing_to)
        calls = self._calls(uid, cabinet.programme)
        clock = self.now + self.struck.clocks.get(uid, 0)
        is_blocked = bool(cabinet.changing_to) and self.simulation.box_is_blocked(cabinet.programme.signal)
        state = cabinet.tick(clock, calls, box_is_blocked=is_blocked, seen=self._seen_by(uid))
        if self._shown.get(uid) != state:
            self.simulation.show(cabinet.programme.signal, state)
            self._shown[uid] = state
        if uid in self.recorders:
            self.recorders[uid].second(self.now, cabinet, state, self._seen(uid))
        self._count(uid, cabinet)
        return before != (cabinet.running, cabinet.changing_to)

    def record(self, uid: str) -> None:
        """From now on the cabinet keeps an event log."""
        watched = [approach for approach in self.layout.approaches[uid] if self.layout.zones[approach].stop_lanes]
        self.recorders[uid] = Recorder(watched, [approach for approach in watched if approach in self._crossings])

    def _seen(self, uid: str) -> dict[str, Second]:
        simulation = self.simulation
        return {
            approach: Second(
                at_line=simulation.is_at_line(approach),
                came=simulation.came_last_second(approach),
                left=simulation.departed_last_second(approach),
                pressed=self._closed_s.get(approach, 0) > self._somebody_comes_after_s,
            )
            for approach in self.recorders[uid].phases
        }

    def event_configuration(self, uid: str) -> dict[str, object]:
        """Phases and detectors of a cabinet's event log, as it announces them."""
        phases = self.recorders[uid].phases
        to_line_s = {approach: self.simulation.to_line_s(approach) for approach in phases}
        lanes = {approach: len(self.layout.zones[approach].stop_lanes) for approach in phases}
        return self.recorders[uid].configuration(to_line_s, lanes)

    def _seen_by(self, uid: str) -> dict[str, Sight]:
        """What the loops of a cabinet say in this second; those that are unplugged say nothing."""
        plugged = (approach for approach in self.layout.approaches[uid] if approach not in self.struck.detectors)
        return {lane: sight for approach in plugged for lane, sight in self.simulation.sights(approach).items()}

    def _calls(self, uid: str, programme: stages.Programme) -> list[int]:
        """Stages somebody waits for: the one that serves a waiting approach best, and one that opens a crossing."""
        wanted = set()
        for approach in self.layout.approaches[uid]:
            if approach not in self.struck.detectors and self.simulation.has_call(approach):
                best = max(programme.stages, key=lambda stage: stage.serves.get(approach, 0.0))
                wanted.add(best.number)
            if approach in self._crossings and self._closed_s.get(approach, 0) > self._somebody_comes_after_s:
                opens = [stage for stage in programme.stages if not stage.serves.get(approach)]
                wanted.add(max(opens, key=lambda stage: sum(stage.serves.values())).number)
        return sorted(wanted)

    def _count(self, uid: str, cabinet: Cabinet) -> None:
        """Queue-seconds, departures, and waits at the crossings (one per approach, closed while vehicles may go).

        A person who comes at a random second to a crossing closed for c seconds waits c²/2 in all; over T seconds
        that is sum(c²) / 2T (renewal argument, as for uniform arrivals at a signal). Second k of it adds k - 1/2.
        """
        tally = self._minutes[uid][-1]
        walks = cabinet.walks()
        is_even = self.simulation.second % 2 == 0
        for approach in self.layout.approaches[uid]:
            tally.departed += self.simulation.departed_last_second(approach)
            tally.trams_departed += self.simulation.trams_departed_last_second(approach)
            if is_even:
                standing, trams = self.simulation.standing(approach)
                tally.queued_s += 2 * standing
                tally.trams_queued_s += 2 * trams
            if approach not in self._crossings:
                continue
            tally.crossings_s += 1
            if not walks.get(approach, False):
                self._closed_s[approach] = self._closed_s.get(approach, 0) + 1
                tally.foot_s += self._closed_s[approach] - 0.5
            else:
                self._closed_s.pop(approach, None)

    def close_minute(self) -> None:
        for minutes in self._minutes.values():
            minutes.append(Tally())

    def measures(self, uid: str) -> dict[str, float]:
        """Control delay (s/veh: queue-seconds over departures) and expected wait on foot (s), last few minutes.

        Trams only where some were seen.
        """
        minutes = self._minutes[uid]
        delay = sum(m.queued_s for m in minutes) / max(1, sum(m.departed for m in minutes))
        on_foot = sum(m.foot_s for m in minutes) / max(1, sum(m.crossings_s for m in minutes))
        found = {"traffic.control_delay": min(delay, 3600.0), "traffic.pedestrian_wait": min(on_foot, 3600.0)}
        if trams := sum(m.trams_departed for m in minutes):
            found["traffic.tram_delay"] = min(sum(m.trams_queued_s for m in minutes) / trams, 3600.0)
            found["traffic.tram_flow"] = trams * 60.0 / len(minutes)
        return found

    def junction_flow(self, uid: str) -> float:
        """Vehicles per hour over all stop lines of a junction."""
        return sum(self.simulation.flow(approach) for approach in self.layout.approaches[uid])

    def detectors(self) -> dict[str, Measured]:
        return {uid: self.simulation.measure(uid) for uid in self.layout.zones}

    def close(self) -> None:
        self.simulation.close()
