# SPDX-License-Identifier: Apache-2.0
"""What SUMO's log of trips says of a run: delays, waits, stops, people, the worst way in."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

TRANSIT_PERSONS, CAR_PERSONS = 30.0, 1.3


def of_trips(log: Path, pending: Sequence[tuple[float, str]]) -> dict[str, Any]:
    """Figures of all scheduled vehicles; `pending` are those that never got in: their wait (s) and name."""
    delays, waits, stops, transit, people = [], [], [], [], 0.0
    by_entry: dict[str, list[float]] = {}
    finished = 0
    for _, item in ET.iterparse(log):
        if item.tag != "tripinfo":
            continue
        get = item.attrib
        delay = float(get["timeLoss"]) + max(0.0, float(get["departDelay"]))
        delays.append(delay)
        waits.append(float(get["waitingTime"]))
        stops.append(float(get["waitingCount"]))
        finished += float(get["arrival"]) >= 0
        by_entry.setdefault(get["departLane"].rpartition("_")[0], []).append(delay)
        if _is_transit(get.get("vType", "")):
            transit.append(delay)
        people += delay * (TRANSIT_PERSONS if _is_transit(get.get("vType", "")) else CAR_PERSONS)
        item.clear()
    aboard = len(transit) * TRANSIT_PERSONS + (len(delays) - len(transit)) * CAR_PERSONS
    delays += [delay for delay, _ in pending]
    worst = max(((float(np.mean(row)), name) for name, row in by_entry.items() if len(row) >= 10), default=(0.0, ""))
    return {
        "delay_s": float(np.mean(delays)),
        "waiting_s": float(np.mean(waits)),
        "p95_delay_s": float(np.percentile(delays, 95)),
        "stops": float(np.mean(stops)),
        "vehicles": len(delays),
        "finished": finished,
        "undeparted": len(pending),
        "person_delay_s": people / max(1.0, aboard),
        "transit_delay_s": float(np.mean(transit)) if transit else float("nan"),
        "worst_approach_s": worst[0],
        "worst_approach": worst[1],
    }


def _is_transit(kind: str) -> bool:
    return any(word in kind.lower() for word in ("bus", "tram", "rail", "train"))
