# SPDX-License-Identifier: Apache-2.0
"""How junctions and road sections are written in answers: plain JSON and GeoJSON features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from traffic.board import Junction, Section
from traffic.foreseeing import Hour
from traffic.service import level

Floats = NDArray[np.float64]
SHOWN = {
    "flow": ("traffic.flow", 0),
    "queue": ("traffic.queue", 1),
    "occupancy": ("traffic.occupancy", 1),
    "speed_kmh": ("traffic.speed", 1),
    "congestion": ("traffic.congestion", 3),
}


def rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def section(one: Section, scale: str) -> dict[str, Any]:
    """veh/h, vehicles, %, km/h, 0..1, m, s; null where nothing fresh says it."""
    served, announced = one.served, one.announced
    found: dict[str, Any] = {name: rounded(one.value(metric), digits) for name, (metric, digits) in SHOWN.items()}
    return found | {
        "uid": one.uid,
        "name": one.name,
        "zone": one.zone,
        "heading": one.heading,
        "length_m": rounded(one.length_m),
        "lanes": one.lanes,
        "storage": announced.get("storage"),
        "capacity": rounded(served.capacity, 0),
        "saturation": rounded(served.saturation, 2),
        "delay_s": rounded(served.delay_s),
        "level": None if served.delay_s is None else level(served.delay_s, served.saturation, scale),
        "back_m": rounded(served.back_m, 0),
        "travel_s": rounded(served.travel_s),
        "at": max((at for _, at in one.readings.values()), default=None),
    }


def junction(one: Junction, scale: str) -> dict[str, Any]:
    """Delay measured by the controller, else by formula; the saturation is of its fullest approach."""
    wait = one.delay_s
    return {
        "uid": one.uid,
        "name": one.name,
        "zone": one.zone,
        "streets": list(one.streets),
        "flow": rounded(one.value("traffic.flow"), 0),
        "delay_s": rounded(wait),
        "delay_is": "measured" if one.value("traffic.control_delay") is not None else "by formula",
        "saturation": rounded(one.saturation, 2),
        "level": None if wait is None else level(wait, one.saturation, scale),
        "cycle_s": rounded(one.greens.cycle_s, 0),
        "green_share": {str(stage): round(share, 3) for stage, share in sorted(one.greens.share.items())},
        "at": max((at for _, at in one.readings.values()), default=None),
    }


def hour(one: Section, ahead: Hour) -> dict[str, Any]:
    """[value, low, high] by step; null where it is not known."""
    flow, queue = ahead.by_metric.get("traffic.flow"), ahead.by_metric.get("traffic.queue")
    travel = ahead.travel_s(one.length_m)
    return {
        "uid": one.uid,
        "name": one.name,
        "heading": one.heading,
        "flow": None if flow is None else _steps(flow.values, flow.low, flow.high, 0),
        "queue": None if queue is None else _steps(queue.values, queue.low, queue.high, 1),
        "travel_s": None if travel is None else _steps(*travel, 1),
    }


def _steps(values: Floats, low: Floats, high: Floats, digits: int) -> list[list[float | None]]:
    rows = np.round(np.stack([values, low, high], axis=1), digits).tolist()
    return [[None if number != number else number for number in row] for row in rows]


def feature(found: dict[str, Any], kind: str, geometry: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "id": found["uid"], "geometry": geometry, "properties": {"kind": kind} | found}


def features(one: Junction, scale: str) -> list[dict[str, Any]]:
    """The junction as a point, then each road section as a line in travel direction."""
    point = {"type": "Point", "coordinates": list(one.point)}
    lines = [
        feature(
            section(part, scale) | {"junction": one.uid},
            "section",
            {"type": "LineString", "coordinates": [list(place) for place in part.line]},
        )
        for part in one.sections
    ]
    return [feature(junction(one, scale), "junction", point), *lines]
