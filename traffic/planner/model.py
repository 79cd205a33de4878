# SPDX-License-Identifier: Apache-2.0
"""What the planner knows of a junction that does not change: stages, lanes, who is served, who gives way to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Intersection:
    """S stages, L lanes. Arrays: `share` (S, L) part of a lane's movements that may go, `gives_way` (S, L) part of
    those that give way, `opposing` (S, L, L) 1 where the lane (second axis) gives way to another (third).

    Seconds: `yellow_s`, `all_red_s` (what is expected after it), `min_green_s`, `max_red_s`.
    """

    id: str
    lanes: tuple[str, ...]
    share: Floats
    gives_way: Floats
    opposing: Floats
    yellow_s: float = 3.0
    all_red_s: float = 1.0
    min_green_s: float = 5.0
    max_red_s: float = 120.0

    @property
    def stages(self) -> int:
        return int(self.share.shape[0])

    def best_stage(self, lane: int) -> int:
        """Index of the stage that serves a lane best."""
        return int(np.argmax(self.share[:, lane] * (2.0 - self.gives_way[:, lane])))


def intersection(
    uid: str,
    stages: Sequence[str],
    links: Sequence[Sequence[str]],
    yields: Mapping[int, frozenset[int]],
    **seconds: float,
) -> Intersection:
    """Built of state strings (G may go, g gives way, s goes after a stop) and the lanes of each link.

    A lane whose movements are all green in some stage counts as served by such stages only: a stage for a part of
    them may find at its head a vehicle that wants another way. Cost O(S links²).
    """
    lanes = tuple(dict.fromkeys(lane for row in links for lane in row))
    of = {lane: [i for i, row in enumerate(links) if lane in row] for lane in lanes}
    shape = (len(stages), len(lanes))
    share, gives_way = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    opposing = np.zeros((*shape, len(lanes)), np.float32)
    for s, state in enumerate(stages):
        for number, lane in enumerate(lanes):
            going = [i for i in of[lane] if state[i] in "Ggs"]
            share[s, number] = len(going) / len(of[lane])
            behind = [i for i in going if state[i] in "gs"]
            gives_way[s, number] = len(behind) / max(1, len(going))
            for i in behind:
                for other in yields.get(i, ()):
                    if state[other] in "Gg":
                        for name in links[other]:
                            if name != lane:
                                opposing[s, number, lanes.index(name)] = 1.0
    fully = (share >= 1.0).any(axis=0)
    share[:, fully] = np.where(share[:, fully] >= 1.0, 1.0, 0.0)
    return Intersection(uid, lanes, share, gives_way, opposing, **seconds)


def announced(model: Intersection) -> dict[str, Any]:
    """As JSON, for a controller's announcement."""
    return {
        "lanes": list(model.lanes),
        "share": model.share.tolist(),
        "gives_way": model.gives_way.tolist(),
        "opposing": [[list(map(int, np.flatnonzero(row))) for row in stage] for stage in model.opposing],
    }
