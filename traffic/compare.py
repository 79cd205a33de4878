# SPDX-License-Identifier: Apache-2.0
"""The same street twice: once on its fixed plans, once with the controller in the loop. Always SIMULATION."""

from __future__ import annotations

import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from smartcity.kernel.street import StreetDevice
from traffic.controller import Policy, decide
from traffic.picture import Junction, Seen, Town, see
from traffic.profile import share_of_peak
from traffic.reporting import signal_values
from traffic.street.junctions import Layout, Street, lay_out

EVERY_S = 5
WARM_UP_S = 300
MONDAY_S = 1_699_833_600  # Monday 2023-11-13 00:00 UTC; the comparison counts hours from here


@dataclass(frozen=True, slots=True)
class Result:
    """One run. Delay is RESCO's: mean of time loss and departure delay over all scheduled vehicles, s."""

    controller: str
    seed: int
    delay_s: float
    tram_delay_s: float
    vehicles: int
    never_entered: int
    on_foot_s: float
    longest_red_s: int
    requests: int
    refused: int
    wall_s: float


def run(map_path: Path, folder: Path, devices: Sequence[StreetDevice], options: dict[str, Any]) -> list[dict[str, Any]]:
    """`hours`, `seeds`, `from_hour` → one record per run, fixed plan and adaptive paired by seed."""
    mine = [device for device in devices if device.domain == "traffic"]
    found = []
    for seed in range(1, int(options.get("seeds", 3)) + 1):
        layout = lay_out(map_path, folder, mine, int(options.get("demand_seed", 1)))
        names = {device.uid: device.name for device in mine}
        for controller in ("fixed plan", "adaptive"):
            found.append(asdict(_one(layout, names, controller, seed, options)))
    return found


def _one(layout: Layout, names: dict[str, str], controller: str, seed: int, options: dict[str, Any]) -> Result:
    began = time.perf_counter()
    start = MONDAY_S + round(float(options.get("from_hour", 16)) * 3600) - WARM_UP_S
    seconds = WARM_UP_S + round(float(options.get("hours", 1)) * 3600)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "trips.xml"
        street = Street(layout, seed, start, log=log)
        asked, longest, on_foot = 0, 0, []
        for second in range(seconds):
            hours = (street.now - MONDAY_S) / 3600
            street.step(float(share_of_peak(hours % 24, hours // 24 % 7)))
            if controller == "adaptive" and second % EVERY_S == 0:
                asked += _drive(street, names)
            if second % 10 == 0:
                longest = max([longest, *(c.longest_red(street.now)[0] for c in street.cabinets.values())])
            if second % 300 == 299:
                on_foot += [street.measures(uid)["traffic.pedestrian_wait"] for uid in street.cabinets]
            if second % 60 == 59:
                street.close_minute()
        pending = street.simulation.waiting_s()
        refused = sum(cabinet.refused for cabinet in street.cabinets.values())
        street.close()
        delay, trams, count = _delay(log, pending)
    return Result(
        controller, seed, delay, trams, count, len(pending), sum(on_foot) / len(on_foot), longest, asked, refused,
        time.perf_counter() - began,
    )  # fmt: skip


def _drive(street: Street, names: dict[str, str]) -> int:
    """What the city does every few seconds, without the road in between; the count of requests."""
    now = street.now
    setpoints = decide(picture(street, names), Policy())
    for setpoint in setpoints:
        cabinet = street.cabinets[setpoint.asset]
        cabinet.lease(now + 60)
        cabinet.ask(setpoint.value, now + int(setpoint.expires_in_s), now)
    return len(setpoints)


def picture(street: Street, names: dict[str, str]) -> Town:
    """The same picture loop.gather makes from the store."""
    at_ms = street.now * 1000
    readings: dict[tuple[str, str], Seen] = {}
    for uid, seen in street.detectors().items():
        for metric, value in (("flow", seen.flow), ("queue", seen.queue), ("occupancy", seen.occupancy)):
            readings[uid, f"traffic.{metric}"] = Seen(value, at_ms)
    junctions: list[Junction] = []
    for uid, cabinet in street.cabinets.items():
        for metric, value in signal_values(cabinet, street.now).items():
            readings[uid, metric] = Seen(value, at_ms)
        view = see(uid, cabinet.programme.announced(), names, readings, at_ms)
        if isinstance(view, Junction):
            junctions.append(view)
    return Town(street.now, tuple(junctions))


def _delay(log: Path, pending: Sequence[float]) -> tuple[float, float, int]:
    """Mean delay, that of trams, and trips: RESCO's KPI; vehicles that never got in count by how long they waited."""
    lost, trams = list(pending), list[float]()
    for trip in ET.parse(log).getroot().iter("tripinfo"):
        lost.append(float(trip.attrib["timeLoss"]) + max(0.0, float(trip.attrib["departDelay"])))
        if trip.attrib["vType"] == "tram":
            trams.append(lost[-1])
    return sum(lost) / max(1, len(lost)), sum(trams) / max(1, len(trams)), len(lost)
