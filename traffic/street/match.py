# SPDX-License-Identifier: Apache-2.0
"""Which signal of the simulator is which intersection of ours, by the map's ways that lead in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import atan2, degrees, hypot

from smartcity.kernel.street import StreetDevice
from traffic.street.net import XY, Edge, Net, Signal

NEAR_M = 70.0  # a long way leads into several junctions: the signal must also be where ours is
STOP_NEAR_M = 60.0
SAME_HEADING_DEG = 60.0
DETECT_M = 150.0


@dataclass(frozen=True, slots=True)
class Site:
    """One intersection of ours with its signal and, per approach, the simulator's edges at the stop line."""

    uid: str
    signal: str
    approaches: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Zone:
    """What one detector sees: stop-line lanes, and (lane, metres from its start that are beyond reach)."""

    stop_lanes: tuple[str, ...]
    lanes: tuple[tuple[str, float], ...]
    length_m: float
    speed_ms: float


def sites(net: Net, devices: Sequence[StreetDevice]) -> list[Site]:
    """Matched intersections; those without a partner stay on their local plan and are not in the list."""
    children: dict[str, list[StreetDevice]] = {}
    for device in devices:
        if device.kind == "approach":
            children.setdefault(device.parent, []).append(device)
    ours = {device.uid: device for device in devices if device.kind == "intersection"}
    found = []
    for uid, signal in pairs(net, list(ours.values())).items():
        found.append(Site(uid, signal, _approaches(net, net.signals[signal], children.get(uid, []))))
    return found


def pairs(net: Net, intersections: Sequence[StreetDevice]) -> dict[str, str]:
    """Intersection uid → signal id, one to one: most shared incoming ways first, then nearest."""
    offers = []
    for device in intersections:
        ways, here = set(device.twin.get("ways", ())), net.xy(device.lon, device.lat)
        for signal in net.signals.values():
            shared = len(ways & _ways(net, signal))
            far = _distance(here, _place(net, signal))
            if shared and far <= NEAR_M:
                offers.append((-shared, far, device.uid, signal.id))
    matched: dict[str, str] = {}
    for _, _, uid, signal_id in sorted(offers):
        if uid not in matched and signal_id not in matched.values():
            matched[uid] = signal_id
    return matched


def _ways(net: Net, signal: Signal) -> set[int]:
    return {way for edge in signal.incoming for way in net.edges[edge].ways}


def _place(net: Net, signal: Signal) -> XY:
    ends = [net.edges[edge].shape[-1] for edge in signal.incoming]
    return sum(x for x, _ in ends) / len(ends), sum(y for _, y in ends) / len(ends)


def _approaches(net: Net, signal: Signal, approaches: Sequence[StreetDevice]) -> dict[str, tuple[str, ...]]:
    """Each incoming edge goes to the approach whose stop line and heading fit best."""
    taken: dict[str, list[str]] = {device.uid: [] for device in approaches}
    for edge in signal.incoming:
        fits = [
            (fit, device.uid) for device in approaches if (fit := _misfit(net, net.edges[edge], device)) is not None
        ]
        if fits:
            taken[min(fits)[1]].append(edge)
    return {uid: tuple(edges) for uid, edges in taken.items()}


def _misfit(net: Net, edge: Edge, device: StreetDevice) -> float | None:
    """Lower is better; None when it cannot be the same road."""
    turn = abs((heading(edge) - float(device.twin["heading"]) + 180) % 360 - 180)
    lon, lat = device.twin["stop"]
    far = _distance(net.xy(lon, lat), edge.shape[-1])
    if turn > SAME_HEADING_DEG or far > STOP_NEAR_M:
        return None
    return far + turn - (40 if edge.ways & set(device.twin["ways"]) else 0)


def heading(edge: Edge) -> float:
    """Degrees clockwise from north at the edge's end."""
    (x0, y0), (x1, y1) = edge.shape[-2], edge.shape[-1]
    return degrees(atan2(x1 - x0, y1 - y0)) % 360


def _distance(a: XY, b: XY) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])


def zone(net: Net, edges: Sequence[str], reach_m: float = DETECT_M) -> Zone:
    """The detector's zone: stop-line edges and what is upstream through unsignalised nodes, up to `reach_m`."""
    into: dict[str, list[str]] = {}
    signalled = {(c.edge, c.to_edge) for found in net.onward.values() for c in found if c.signal}
    for found in net.onward.values():
        for connection in found:
            into.setdefault(connection.to_edge, []).append(connection.edge)
    lanes: dict[str, float] = {}
    todo = [(edge, 0.0) for edge in edges]
    while todo:
        name, gone = todo.pop(0)
        edge = net.edges[name]
        for lane in edge.lanes:
            lanes.setdefault(lane.id, max(0.0, lane.length_m - (reach_m - gone)))
        if gone + edge.length_m < reach_m:
            upstream = sorted({e for e in into.get(name, ()) if (e, name) not in signalled and e not in edges})
            if len(upstream) == 1:  # past a fork, who will come here is not known
                todo.append((upstream[0], gone + edge.length_m))
    stop = tuple(lane.id for edge in edges for lane in net.edges[edge].lanes)
    total = sum(length for name, cut in lanes.items() if (length := _length(net, name) - cut) > 0)
    return Zone(stop, tuple(lanes.items()), total, max((net.edges[e].speed_ms for e in edges), default=11.0))


def _length(net: Net, lane: str) -> float:
    edge = net.edges[lane.rpartition("_")[0]]
    return next(item.length_m for item in edge.lanes if item.id == lane)
