# SPDX-License-Identifier: Apache-2.0
"""The demo town at its evening peak in SUMO, watched by the product: a normal hour, and hours with stopped vehicles.

Reads {devices, map, folder, usual_seed, quiet_seeds, broken_seeds, minutes} as JSON, prints what was found as JSON.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

import libsumo

from smartcity.kernel.street import StreetDevice
from traffic import incidents
from traffic.incidents import Found, Seen, Track
from traffic.profile import share_of_peak
from traffic.street.junctions import Layout, Street, lay_out

MONDAY_S = 1_699_833_600
FROM_HOUR, WARM_UP_S, EVERY_S, SERVED_S = 16, 900, 10, 180
QUARTER_S, LASTS_S, BUSY = 900, 600, 250.0
Usual = Mapping[tuple[str, int], tuple[float, float]]


@dataclass(slots=True)
class Run:
    """One hour; `closed` are (approach, second it began), `risen` (second, rule, approach)."""

    closed: list[tuple[str, int]] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)
    risen: list[tuple[int, str, str]] = field(default_factory=list)
    means: dict[tuple[str, int], list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))


def hour(layout: Layout, seed: int, minutes: int, usual: Usual, *, is_broken: bool) -> Run:
    street = Street(layout, seed, MONDAY_S + FROM_HOUR * 3600 - WARM_UP_S)
    run, tracks, standing = Run(), dict[str, Track](), set[tuple[str, str]]()
    shown: dict[str, deque[int]] = {uid: deque(maxlen=SERVED_S) for uid in street.cabinets}
    places = Random(seed).sample(_busy(layout), 12)
    for second in range(WARM_UP_S + minutes * 60):
        hours = (street.now - MONDAY_S) / 3600
        street.step(float(share_of_peak(hours % 24, hours // 24 % 7)))
        for uid, cabinet in street.cabinets.items():
            shown[uid].append(0 if cabinet.changing_to else cabinet.running)
        if is_broken and second > WARM_UP_S and (second - WARM_UP_S) % QUARTER_S in range(60, 300):
            _stop_one(layout, places, run, second)
        if second % EVERY_S == 0:
            looked = _look(street, layout, shown, usual, second)
            for uid, seen in looked.items():
                run.means[uid, second // QUARTER_S].append((seen.flow or 0.0, seen.occupancy or 0.0))
                _note(run, tracks, standing, uid, seen, second)
    street.close()
    return run


def _busy(layout: Layout) -> list[str]:
    """Approaches worth closing: traffic enough, and room for a queue before the place."""
    return sorted(
        uid for uid, zone in layout.zones.items() if layout.peak_flow.get(uid, 0) >= BUSY and zone.length_m >= 60
    )


def _stop_one(layout: Layout, places: list[str], run: Run, second: int) -> None:
    """A vehicle that can still brake stops for LASTS_S: a place each quarter hour, by turns one lane and all."""
    number = (second - WARM_UP_S) // QUARTER_S
    is_whole = number % 2 == 1
    if number < len(run.closed) and not is_whole:
        return
    uid = places[number]
    for lane in layout.zones[uid].stop_lanes:
        if (is_whole or number == len(run.closed)) and _stop_on(lane, run.stopped) and number == len(run.closed):
            run.closed.append((uid, second))


def _stop_on(lane: str, done: set[str]) -> bool:
    """Whether the first vehicle with room to brake was told to stop on this lane."""
    if lane in done:
        return False
    at = libsumo.lane.getLength(lane) * 0.6
    for vehicle in libsumo.lane.getLastStepVehicleIDs(lane):
        speed, here = libsumo.vehicle.getSpeed(vehicle), libsumo.vehicle.getLanePosition(vehicle)
        if at - here > speed**2 / 6 + 5:
            edge, _, index = lane.rpartition("_")
            libsumo.vehicle.setStop(vehicle, edge, at, int(index), LASTS_S)
            done.add(lane)
            return True
    return False


def _look(
    street: Street, layout: Layout, shown: Mapping[str, deque[int]], usual: Usual, second: int
) -> dict[str, Seen]:
    detected = street.detectors()
    found = {}
    for junction, programme in layout.programmes.items():
        course = shown[junction]
        for uid, groups in programme.groups.items():
            if uid not in detected:
                continue
            seen, opens = detected[uid], {stage for group in groups for stage, rate in group.rates.items() if rate}
            flow, full = usual.get((uid, second // QUARTER_S), (None, None))
            found[uid] = Seen(
                flow=seen.flow,
                occupancy=seen.occupancy,
                queue=seen.queue,
                storage=programme.storage[uid],
                lanes=sum(group.lanes for group in groups),
                usual_flow=flow,
                usual_occupancy=full,
                served=sum(stage in opens for stage in course) / max(1, len(course)),
                beyond={
                    name: detected[name].occupancy for name in programme.downstream.get(uid, ()) if name in detected
                },
            )
    return found


def _note(
    run: Run, tracks: dict[str, Track], standing: set[tuple[str, str]], uid: str, seen: Seen, second: int
) -> None:
    """What has risen since the last look; nothing counts while the street fills."""
    track = incidents.step(tracks.get(uid), seen, second * 1000)
    if track is None:
        return
    tracks[uid] = track
    now: list[Found] = incidents.found(uid, track, seen)
    for rule in (incidents.BLOCKED, incidents.SPILLED):
        stands = any(one.rule == rule for one in now)
        if stands and (rule, uid) not in standing and second >= WARM_UP_S:
            run.risen.append((second, rule, uid))
        (standing.add if stands else standing.discard)((rule, uid))


def main() -> None:
    told: dict[str, Any] = json.load(sys.stdin)
    devices = [StreetDevice(**device) for device in told["devices"]]
    layout = lay_out(Path(told["map"]), Path(told["folder"]), devices, 1)
    minutes = int(told["minutes"])
    normal = hour(layout, told["usual_seed"], minutes, {}, is_broken=False)
    usual = {key: (mean(f for f, _ in rows), mean(o for _, o in rows)) for key, rows in normal.means.items()}
    quiet = [hour(layout, seed, minutes, usual, is_broken=False).risen for seed in told["quiet_seeds"]]
    broken = [hour(layout, seed, minutes, usual, is_broken=True) for seed in told["broken_seeds"]]
    near = {
        uid: sorted(
            {before for p in layout.programmes.values() for before, after in p.downstream.items() if uid in after}
        )
        for run in broken
        for uid, _ in run.closed
    }
    print(
        json.dumps(
            {"quiet": quiet, "broken": [{"closed": r.closed, "risen": r.risen} for r in broken], "near": near,
             "approaches": sum(len(p.groups) for p in layout.programmes.values())}
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
