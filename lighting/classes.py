# SPDX-License-Identifier: Apache-2.0
"""Lighting classes and what traffic asks of them. Every table is a per-city setting to be signed by an engineer."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

# EN 13201-2: luminance in cd/m2 for M, horizontal illuminance in lx for P.
LEVELS: Mapping[str, float] = {
    **dict(zip(("M1", "M2", "M3", "M4", "M5", "M6"), (2.0, 1.5, 1.0, 0.75, 0.5, 0.3), strict=True)),
    **dict(zip(("P1", "P2", "P3", "P4", "P5", "P6"), (15.0, 10.0, 7.5, 5.0, 3.0, 2.0), strict=True)),
}
# CEN/TR 13201-1: shares of capacity above which traffic counts as high, at or above which it is moderate.
TWO_LANE = (0.45, 0.15)
MULTILANE = (0.65, 0.35)


def below(lighting_class: str, steps: int) -> str:
    """The class `steps` lower in the same series; the lowest one at most."""
    return f"{lighting_class[0]}{min(6, int(lighting_class[1]) + steps)}"


def share(wanted: str, normal: str) -> float:
    """Dimming level in % that makes `wanted` of an installation for `normal`: the ratio of their EN 13201-2 levels."""
    return min(100.0, 100.0 * LEVELS[wanted] / LEVELS[normal])


def steps_for(volume: float, lanes: int) -> int:
    """Steps below the normal class that a traffic volume (share of capacity) allows: high 0, moderate 1, low 2.

    CEN/TR 13201-1 gives high +1, moderate 0, low -1; the normal class is the one for high traffic.
    """
    high, moderate = MULTILANE if lanes > 2 else TWO_LANE
    return 0 if volume > high else 1 if volume >= moderate else 2


def power_share(level: float) -> float:
    """P(d)/P_n for a relative light output d = level/100: 0.05 + 0.95 d (1 - 0.08 (1 - d)); 0 when dark.

    The 5 % and 8 % are assumptions, replaced by TALQ's powerAtMinimumDimLevel where the type is known.
    """
    if level <= 0:
        return 0.0
    d = level / 100.0
    return 0.05 + 0.95 * d * (1 - 0.08 * (1 - d))


def conforms(level: float, minimum: str, normal: str) -> bool:
    """Whether a dimming level keeps the minimum class, within rounding to whole percent."""
    return level + 0.5 >= share(minimum, normal)


assert all(LEVELS[a] > LEVELS[b] for a, b in pairwise(("M1", "M2", "M3", "M4", "M5", "M6")))
