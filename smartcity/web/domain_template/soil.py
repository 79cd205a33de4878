# SPDX-License-Identifier: Apache-2.0
"""How soil dries and drinks; the twin and the history share it, so that there is no seam between them."""

from __future__ import annotations

DRYING_PER_H = 0.35
DRINKING_PER_H = 24.0
DRAINED = 55.0


def after(moisture: float, hours: float, sun: float, valve: float) -> float:
    """Moisture in % after `hours`: evaporation grows with `sun` (0..1), the valve (0..1) waters, excess drains."""
    moisture += hours * (DRINKING_PER_H * valve - DRYING_PER_H * (0.3 + sun))
    return min(max(moisture, 5.0), DRAINED)


def programme_runs(hour: float, start: float, minutes: float) -> bool:
    """Whether the bed's own programme waters at this local hour."""
    return start <= hour < start + minutes / 60
