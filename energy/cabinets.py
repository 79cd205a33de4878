# SPDX-License-Identifier: Apache-2.0
"""Where street lamps get their power: cabinets in the middle of the lamps around them, and which lamps are whose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from energy.buildings import middle
from smartcity.kernel.geo import local_xy, metres
from smartcity.kernel.imports import LonLat, Town

REACH_M = 350.0  # side of the square a cabinet serves
LAMP_W = 140.0  # the largest rating, so that a cabinet's contract holds whatever burns
LAMP_EVERY_M = 38.0
OWN_W = 60.0  # what the cabinet itself draws, day and night
FEWEST = 4
LIT = ("primary", "secondary", "tertiary")


@dataclass(frozen=True, slots=True)
class Cabinet:
    """`lamps` is how many are expected to hang on it."""

    key: str
    name: str
    point: LonLat
    lamps: int

    @property
    def peak_kw(self) -> float:
        return round((OWN_W + self.lamps * LAMP_W) / 1000, 1)


def cabinets(town: Town, most: int) -> list[Cabinet]:
    """In the `most` squares of 350 m with the most lamps: those mapped, or due along main streets that have none."""
    mapped = [node.point for node in town.nodes if node.tags.get("highway") == "street_lamp"]
    lamps = [*((point, "") for point in mapped), *_due(town, mapped)]
    squares: dict[tuple[int, int], list[LonLat]] = defaultdict(list)
    for point, _ in lamps:
        x, y = local_xy(town.bounds[:2], point)
        squares[int(x // REACH_M), int(y // REACH_M)].append(point)
    largest = sorted(squares.items(), key=lambda one: (-len(one[1]), one[0]))[:most]
    stand = {f"estimate:cabinet:{x}:{y}": middle(points) for (x, y), points in largest if len(points) >= FEWEST}
    fed: dict[str, list[str]] = {key: [] for key in stand}
    for (_, street), key in zip(lamps, _nearest([point for point, _ in lamps], stand), strict=False):
        fed[key].append(street)
    return [Cabinet(key, _name(key, fed[key]), point, len(fed[key])) for key, point in stand.items()]


def nearest(points: Iterable[LonLat], cabinets: Mapping[str, LonLat]) -> dict[LonLat, str]:
    """Which cabinet feeds which lamp: the key of the nearest one; nothing where there are no cabinets."""
    given = list(points)
    return dict(zip(given, _nearest(given, cabinets), strict=False))


def _nearest(points: Sequence[LonLat], cabinets: Mapping[str, LonLat]) -> list[str]:
    keys = sorted(cabinets)
    if not points or not keys:
        return []
    origin = points[0]
    lamps, stand = (
        np.array([local_xy(origin, point) for point in some]) for some in (points, [cabinets[key] for key in keys])
    )
    far = ((lamps[:, None, :] - stand[None, :, :]) ** 2).sum(axis=2)
    return [keys[index] for index in far.argmin(axis=1).tolist()]


def _name(key: str, streets: Sequence[str]) -> str:
    """After the street most of its lamps stand in."""
    named = sorted(street for street in streets if street)
    return f"Lighting cabinet {max(named, key=named.count) if named else ':'.join(key.split(':')[2:])}"


def _due(town: Town, mapped: Sequence[LonLat]) -> list[tuple[LonLat, str]]:
    """Places along main streets farther than 45 m from every mapped lamp, with the street's name."""
    here = {(round(x / 50), round(y / 50)) for x, y in (local_xy(town.bounds[:2], point) for point in mapped)}
    found = []
    for way in town.ways:
        if way.tags.get("highway") in LIT and way.tags.get("lit") != "no" and way.tags.get("tunnel") != "yes":
            for point in _along(way.points):
                x, y = local_xy(town.bounds[:2], point)
                cell = round(x / 50), round(y / 50)
                if not any((cell[0] + dx, cell[1] + dy) in here for dx in (-1, 0, 1) for dy in (-1, 0, 1)):
                    found.append((point, way.tags.get("name", "")))
    return found


def _along(points: Sequence[LonLat]) -> list[LonLat]:
    found, carried = [points[0]], 0.0
    for a, b in pairwise(points):
        size = metres(a, b)
        at = LAMP_EVERY_M - carried
        while at <= size:
            found.append((a[0] + (b[0] - a[0]) * at / size, a[1] + (b[1] - a[1]) * at / size))
            at += LAMP_EVERY_M
        carried = size - (at - LAMP_EVERY_M)
    return found
