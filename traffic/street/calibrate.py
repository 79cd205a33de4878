# SPDX-License-Identifier: Apache-2.0
"""What the detectors of the simulated street read at different amounts of traffic, for the history before the live day.

The street runs on its fixed plans at each level of demand in turn; what its devices then measure, on average, is one
point of each curve. Flows need no run: they are the demand's own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from smartcity.kernel.street import StreetDevice
from traffic.street.junctions import Street, lay_out

LEVELS = (0.08, 0.4, 0.7, 1.0)  # shares of the peak
LOOK_EVERY_S = 10
SEED = 1


@dataclass(frozen=True, slots=True)
class Curves:
    """Metric → its mean at each of `levels`."""

    levels: tuple[float, ...]
    means: dict[str, list[float]]


def measure(
    map_file: Path, folder: Path, devices: Sequence[StreetDevice], *, settle_s: int, measure_s: int
) -> dict[str, Curves]:
    """By device uid; devices without a partner in the simulator are absent. Raises net.NoSumo.

    At each level the street settles for so many seconds and is then looked at for so many.
    """
    street = Street(lay_out(map_file, folder, devices, SEED), SEED, 0)
    sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for level in LEVELS:
        street.live(settle_s, level)
        for uid, means in _level(street, level, measure_s // LOOK_EVERY_S).items():
            for metric, value in means.items():
                sums[uid][metric].append(value)
    street.close()
    complete = {uid: {m: v for m, v in found.items() if len(v) == len(LEVELS)} for uid, found in sums.items()}
    return {uid: Curves(LEVELS, found) for uid, found in complete.items()}


def _level(street: Street, level: float, looks: int) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for _ in range(looks):
        street.live(LOOK_EVERY_S, level)
        for uid, seen in street.detectors().items():
            found[uid]["traffic.queue"] += seen.queue / looks
            found[uid]["traffic.occupancy"] += seen.occupancy / looks
            found[uid]["traffic.speed"] += seen.speed / looks
            found[uid]["traffic.congestion"] += seen.congestion / looks
    for uid in street.layout.zones:
        found[uid]["traffic.flow"] = street.layout.peak_flow[uid] * level
    for uid, approaches in street.layout.approaches.items():
        found[uid] = street.measures(uid) | {"traffic.flow": sum(found[a]["traffic.flow"] for a in approaches)}
    return found
