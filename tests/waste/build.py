# SPDX-License-Identifier: Apache-2.0
"""A small town for waste: a square grid of two-way streets, containers on it, a depot and an unload site."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from waste import solver
from waste.filling import Filling
from waste.picture import Bin, Lorry, Picture, Site
from waste.planning import Policy
from waste.roads import Piece, Roads

STEADY = Filling(20.0, 16.0, 28.0, True)
SIDE, STEP_DEG = 5, 0.002


def roads(turns=()):
    pieces, way = [], 0
    for x in range(SIDE):
        for y in range(SIDE):
            for a, b in (((x, y), (x + 1, y)), ((x, y), (x, y + 1))):
                if max(b) < SIDE:
                    way += 1
                    pieces += [piece(way, a, b), piece(way, b, a)]
    return Roads(pieces, turns)


def piece(way, a, b):
    points = tuple((24.9 + STEP_DEG * x, 60.1 + STEP_DEG * y / 2) for x, y in (a, b))
    return Piece(way, a[0] * 100 + a[1], b[0] * 100 + b[1], points, 111.0, 13.9, f"Street {way}")


def bin_(number, level, **changes):
    own = Bin(f"C-{number:03d}", number, level, 0.5, STEADY, 100.0, 60.0, basis=(f"series:{number}",))
    return replace(own, **changes)


def truck(number, node, **changes):
    return replace(Lorry(f"RT-{number}", "at the depot", 0.0, 0, 500.0, (6.0, 14.0), node), **changes)


def picture(bins, trucks=None, hour=6.1, seed=1):
    """Places are drawn by lot; the last two nodes are depot and unload site."""
    count, dice = len(bins), np.random.default_rng(seed)
    xy = dice.uniform(0, 3000, (count + 2, 2))
    metres = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    lorries = trucks if trucks is not None else (truck(1, count), truck(2, count))
    sites = (Site("U-001", count + 1, 300.0, (5.0, 23.0)),)
    return Picture(hour, tuple(bins), tuple(lorries), sites, metres / 6, metres)


POLICY = Policy(solve=solver.solve, seconds_limit=0.3)
