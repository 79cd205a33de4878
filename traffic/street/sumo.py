# SPDX-License-Identifier: Apache-2.0
"""SUMO, second by second: vehicles in, detector zones out, signal states set. The only room that imports libsumo."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import libsumo

from traffic.codecs import Measured
from traffic.street.demand import Demand
from traffic.street.detectors import Sight
from traffic.street.match import Zone
from traffic.street.net import Net, Signal

STANDING_MS = 1.4  # slower than 5 km/h counts as queued
BOX_SLOW_MS = 3.0
FLOW_WINDOW_S = 300
VEHICLE_M = 7.5
LOOP_M = 5.0  # the loop at the stop line reaches so far upstream
TRAM, TRAM_M = "tram", 27.0
TRAM_EVERY_S = 420  # each line
TRAMS_REST_BELOW = 0.15  # share of the peak


class Simulation:
    """One run of SUMO. Seconds count from 0; what they mean in city time is the caller's business."""

    def __init__(self, net: Net, demand: Demand, seed: int, *, options: Sequence[str] = (), log: Path | None = None):
        self.net, self.demand = net, demand
        self.draw = random.Random(seed)
        self.second = 0
        self._due = 0.0
        self._number = 0
        self._shares = [route.share for route in demand.routes]
        self._zones: dict[str, Zone] = {}
        self._passed: dict[str, deque[int]] = {}
        self._before: dict[str, set[str]] = {}
        self._sights: dict[str, dict[str, Sight]] = {}
        self._on_lane: dict[str, set[str]] = {}
        self._trams_gone: dict[str, int] = {}
        self._departed: dict[str, int] = {}
        self._came: dict[str, int] = {}
        self._length_m: dict[str, float] = {}
        self._inside = {signal.id: _inside(signal) for signal in net.signals.values()}
        command = ["sumo", "-n", str(net.path), "--step-length", "1", "--seed", str(seed % 2**31), *options]
        command += ["--no-step-log", "true", "--no-warnings", "true", "--duration-log.disable", "true"]
        command += ["--time-to-teleport", "240", "--ignore-junction-blocker", "20", "--collision.action", "none"]
        if log is not None:
            command += ["--tripinfo-output", str(log), "--tripinfo-output.write-unfinished", "true"]
        libsumo.start(command)
        for number, route in enumerate(demand.routes):
            libsumo.route.add(f"r{number}", route.edges)
        for number, edges in enumerate(demand.lines):
            libsumo.route.add(f"line{number}", edges)
        libsumo.vehicletype.copy("DEFAULT_VEHTYPE", TRAM)
        libsumo.vehicletype.setLength(TRAM, TRAM_M)
        libsumo.vehicletype.setAccel(TRAM, 1.2)
        libsumo.vehicletype.setMaxSpeed(TRAM, 13.9)

    def watch(self, zones: Mapping[str, Zone]) -> None:
        """Detector zones to observe, by approach."""
        self._zones = {uid: zone for uid, zone in zones.items() if zone.stop_lanes}
        self._passed = {uid: deque([0] * FLOW_WINDOW_S, maxlen=FLOW_WINDOW_S) for uid in self._zones}
        self._before = {uid: set() for uid in self._zones}
        self._departed = dict.fromkeys(self._zones, 0)

    def step(self, share_of_peak: float) -> None:
        """One second of traffic at this share of the peak demand."""
        self._insert(share_of_peak)
        libsumo.simulationStep()
        self.second += 1
        for uid, zone in self._zones.items():
            here: set[str] = set()
            on_lane = {lane: set(libsumo.lane.getLastStepVehicleIDs(lane)) for lane in zone.stop_lanes}
            here.update(*on_lane.values())
            gone = self._before[uid] - here
            self._came[uid] = len(here - self._before[uid])
            self._sights[uid] = {
                lane: Sight(bool(found), len(self._on_lane.get(lane, set()) & gone)) for lane, found in on_lane.items()
            }
            self._on_lane |= on_lane
            self._passed[uid].append(len(gone))
            self._departed[uid] += len(gone)
            self._trams_gone[uid] = sum(name.startswith(TRAM) for name in gone)
            self._before[uid] = here

    def _insert(self, share_of_peak: float) -> None:
        self._due += self.demand.per_hour * share_of_peak / 3600
        while self._due > 0:
            self._due -= self.draw.expovariate(1.0)
            route = self.draw.choices(range(len(self._shares)), self._shares)[0]
            self._number += 1
            libsumo.vehicle.add(f"v{self._number}", f"r{route}", departLane="best", departPos="last", departSpeed="max")
        if share_of_peak < TRAMS_REST_BELOW:
            return
        for line in range(len(self.demand.lines)):
            if (self.second + line * TRAM_EVERY_S // len(self.demand.lines)) % TRAM_EVERY_S == 0:
                self._number += 1
                libsumo.vehicle.add(f"{TRAM}{self._number}", f"line{line}", typeID=TRAM, departLane="best")

    # what detectors see

    def sights(self, uid: str) -> Mapping[str, Sight]:
        """Lane at the stop line → who is on it, and how many left over the line in the last second."""
        return self._sights.get(uid, {})

    def departed_last_second(self, uid: str) -> int:
        return self._passed[uid][-1] if uid in self._passed else 0

    def came_last_second(self, uid: str) -> int:
        """Vehicles that have come onto the stop-line lanes."""
        return self._came.get(uid, 0)

    def is_at_line(self, uid: str) -> bool:
        """Somebody stands or drives on the loop at the stop line."""
        return any(
            libsumo.vehicle.getLanePosition(vehicle) >= self._long(lane) - LOOP_M
            for lane in self._zones[uid].stop_lanes
            for vehicle in libsumo.lane.getLastStepVehicleIDs(lane)
        )

    def to_line_s(self, uid: str) -> float:
        """How long a vehicle drives, unhindered, from where the stop-line lane begins to the line."""
        zone = self._zones.get(uid)
        return max(self._long(lane) for lane in zone.stop_lanes) / zone.speed_ms if zone else 0.0

    def _long(self, lane: str) -> float:
        if lane not in self._length_m:
            self._length_m[lane] = float(libsumo.lane.getLength(lane))
        return self._length_m[lane]

    def flow(self, uid: str) -> float:
        """Vehicles per hour over the stop line, mean of the last FLOW_WINDOW_S."""
        passed = self._passed.get(uid)
        return sum(passed) * 3600 / min(FLOW_WINDOW_S, max(60, self.second)) if passed else 0.0

    def departed(self, uid: str) -> int:
        """Vehicles over the stop line since the start."""
        return self._departed.get(uid, 0)

    def trams_departed_last_second(self, uid: str) -> int:
        return self._trams_gone.get(uid, 0)

    def standing(self, uid: str) -> tuple[int, int]:
        """Vehicles standing in the zone, and the trams among them."""
        if uid not in self._zones:
            return 0, 0
        still = [name for name, speed in self._look(self._zones[uid]) if speed < STANDING_MS]
        return len(still), sum(name.startswith(TRAM) for name in still)

    def has_call(self, uid: str) -> bool:
        zone = self._zones.get(uid)
        return bool(zone) and any(libsumo.lane.getLastStepVehicleNumber(lane) for lane in zone.stop_lanes)  # type: ignore[union-attr]

    def measure(self, uid: str) -> Measured:
        zone = self._zones[uid]
        speeds = [speed for _, speed in self._look(zone)]
        count, standing = len(speeds), sum(speed < STANDING_MS for speed in speeds)
        free = zone.speed_ms
        mean = sum(speeds) / len(speeds) if speeds else free
        full = 100 * count * VEHICLE_M / max(VEHICLE_M, zone.length_m)
        lost = max(0.0, 1 - mean / free) if count > 1 else 0.0
        return Measured(self.flow(uid), float(standing), min(100.0, full), mean * 3.6, min(1.0, lost))

    def _look(self, zone: Zone) -> list[tuple[str, float]]:
        """Vehicles in the zone and their speeds, m/s."""
        found = []
        for lane, beyond in zone.lanes:
            for vehicle in libsumo.lane.getLastStepVehicleIDs(lane):
                if not beyond or libsumo.vehicle.getLanePosition(vehicle) >= beyond:
                    found.append((vehicle, libsumo.vehicle.getSpeed(vehicle)))
        return found

    # what signals do

    def show(self, signal: str, state: str) -> None:
        libsumo.trafficlight.setRedYellowGreenState(signal, state)

    def box_is_blocked(self, signal: str) -> bool:
        """Somebody slow is still inside the junction."""
        return any(
            libsumo.lane.getLastStepVehicleNumber(lane) and libsumo.lane.getLastStepMeanSpeed(lane) < BOX_SLOW_MS
            for lane in self._inside[signal]
        )

    @property
    def vehicles(self) -> int:
        return int(libsumo.vehicle.getIDCount())

    @property
    def waiting_to_enter(self) -> int:
        return len(libsumo.simulation.getPendingVehicles())

    def waiting_s(self) -> list[float]:
        """How long each vehicle that has not got in yet has waited at the edge of the map."""
        return [float(libsumo.vehicle.getDepartDelay(v)) for v in libsumo.simulation.getPendingVehicles()]

    def close(self) -> None:
        libsumo.close()


def _inside(signal: Signal) -> tuple[str, ...]:
    lanes: dict[str, None] = defaultdict()
    for row in signal.links:
        for connection in row:
            if connection.via:
                lanes[connection.via] = None
    return tuple(lanes)
