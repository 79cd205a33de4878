# SPDX-License-Identifier: Apache-2.0
"""From an echo to a fill level and back, by the signed geometry of the container."""

from __future__ import annotations

from collections.abc import Mapping

FULL = 100.0
EMPTIED_BELOW = 20.0  # what a container shows after a visit at most: residue and sensor noise


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def from_distance(distance_mm: float, geometry: Mapping[str, object]) -> float | None:
    """Fill level in %, 0..100. None without a geometry, or beyond the bottom by 10 % (lid open, no echo)."""
    empty, full = _number(geometry.get("empty_mm")), _number(geometry.get("full_mm"))
    if empty is None or full is None or not 0 <= full < empty or distance_mm > 1.1 * empty:
        return None
    return max(0.0, min(FULL, FULL * (empty - distance_mm) / (empty - full)))


def to_distance(fill: float, empty_mm: float, full_mm: float) -> float:
    """What an echo sensor above the waste measures, in whole mm."""
    return float(round(empty_mm - min(fill, FULL) / FULL * (empty_mm - full_mm)))


def emptied(geometry: Mapping[str, float], *, is_echo: bool) -> tuple[str, float, float] | None:
    """The metric of a container's sensor that shows it emptied, and between which bounds; None without a geometry."""
    if not is_echo:
        return "waste.fill_level", 0.0, EMPTIED_BELOW
    empty, full = geometry.get("empty_mm"), geometry.get("full_mm")
    if empty is None or full is None:
        return None
    return "waste.distance", to_distance(EMPTIED_BELOW, empty, full), 1.1 * empty
