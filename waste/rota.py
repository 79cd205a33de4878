# SPDX-License-Identifier: Apache-2.0
"""The fixed rota: every so many days, the same truck, on to the nearest. It stays the baseline for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from waste.roads import Place, Roads

Array = NDArray[np.float64]


def is_due(day: NDArray[np.int64] | int, every_days: int, phase: int) -> NDArray[np.bool_] | bool:
    """Whether the rota calls on a local day (days since 1970), every day at most."""
    return (day + phase) % max(1, every_days) == 0


def driver(container: str, trucks: int) -> int:
    """Which of so many trucks, in uid order, has a container on its rota."""
    return crc32(container.encode()) % max(1, trucks)


def order(seconds: Array, start: int, nodes: Sequence[int]) -> list[int]:
    """The nodes as a crew that knows its streets drives them: from each on to the nearest."""
    at, left, found = start, list(nodes), []
    while left:
        at = min(left, key=lambda node: (seconds[at, node], node))
        left.remove(at)
        found.append(at)
    return found


def nearest_first(roads: Roads, start: Place, places: Mapping[str, Place]) -> list[str]:
    """The same for containers by name."""
    uids = list(places)
    if not uids:
        return []
    seconds, _ = roads.matrix([start, *places.values()])
    return [uids[node - 1] for node in order(seconds, 0, range(1, len(uids) + 1))]


def tour_m(
    seconds: Array, metres: Array, ends: tuple[int, int], calls: Mapping[int, float], capacity_kg: float
) -> float:
    """Metres of one truck's day: depot, calls (node -> kg) nearest first, to the unload site when full and at the end.

    `ends` are the nodes of depot and unload site.
    """
    depot, tip = ends
    if not calls:
        return 0.0
    at, load, total = depot, 0.0, 0.0
    for node in order(seconds, depot, list(calls)):
        if load and load + calls[node] > capacity_kg:
            total, at, load = total + float(metres[at, tip]), tip, 0.0
        total, at, load = total + float(metres[at, node]), node, load + calls[node]
    return total + float(metres[at, tip] + metres[tip, depot])
