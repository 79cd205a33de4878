# SPDX-License-Identifier: Apache-2.0
"""What the controller sees: containers, trucks, unload sites, and how far apart they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from waste.filling import Filling, chance
from waste.level import EMPTIED_BELOW, FULL

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Bin:
    """A container: last level in % and its age in hours (None when never heard), how it fills, where it stands.

    `node` is its row in the matrices; `off_m` the walk from the road; `proof` the metric that shows an emptying with
    its bounds, None where the sensor has not spoken lately; `blocked` the crew's words when it could not be reached
    lately. `kg_full` is None where nobody has said what it weighs.
    """

    uid: str
    node: int
    level: float | None
    age_h: float
    filling: Filling | None
    kg_full: float | None
    service_s: float
    off_m: float = 0.0
    access: tuple[float, float] = (0.0, 24.0)
    blocked: str = ""
    proof: tuple[str, float, float] | None = ("waste.fill_level", 0.0, EMPTIED_BELOW)
    basis: tuple[str, ...] = ()
    on_rota_today: bool = False


@dataclass(frozen=True, slots=True)
class Lorry:
    """A truck: what it reports (state None when silent), signed capacity, shift in local hours, its depot's node.

    `promised` are the containers it announced to be still on its route.
    """

    uid: str
    state: str | None
    load_kg: float
    stops_left: int
    capacity_kg: float
    shift: tuple[float, float]
    depot: int
    promised: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """An unload site, open in local hours."""

    uid: str
    node: int
    service_s: float
    hours: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """The city's containers and trucks at a local hour 0..24; square matrices in seconds and metres over nodes."""

    hour: float
    bins: tuple[Bin, ...]
    trucks: tuple[Lorry, ...]
    sites: tuple[Site, ...]
    seconds: NDArray[np.float64]
    metres: NDArray[np.float64]


def left_s(truck: Lorry, hour: float) -> float:
    """Seconds of the truck's shift that are left; 0 off shift. A shift may pass midnight."""
    begins, ends = truck.shift
    length, since = (ends - begins) % 24 or 24.0, (hour - begins) % 24
    return max(0.0, length - since) * HOUR_S if since < length else 0.0


def risk(item: Bin, ahead_h: float) -> float:
    """Probability that the container is full within `ahead_h` hours; what nobody can know counts as 0."""
    if item.level is None or item.filling is None:
        return 0.0
    return float(chance(item.level, item.filling, item.age_h + ahead_h))


def expected_level(item: Bin) -> float:
    """Level in % now: the reading, and what has come in since."""
    if item.level is None:
        return 0.0
    grown = item.filling.mean * item.age_h / 24 if item.filling else 0.0
    return min(FULL, item.level + grown)


def kg(item: Bin) -> int:
    """What is expected to be taken out, rounded up, never nothing. Only where the weight when full is known."""
    assert item.kg_full is not None
    return max(1, int(np.ceil(item.kg_full * expected_level(item) / FULL)))
