# SPDX-License-Identifier: Apache-2.0
"""What watering by need is worth: litres against a timer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartcity.kernel.worth import Evidence, Kpi, Worth

KPIS = (Kpi(name="water", title="Water used", unit="m³", baseline="twenty minutes every morning"),)
TIMER_MIN = 20.0
Array = NDArray[np.float64]


def worth(flow: Array, full: Array, from_ms: int, to_ms: int, evidence: Evidence) -> list[Worth]:
    """From mean flows [bed, quarter hour] in l/min (NaN where silent) and each bed's full flow [bed]."""
    days = (to_ms - from_ms) / 86_400_000
    used = float(np.nansum(flow)) * 15 / 1000
    timer = float(np.sum(full)) * TIMER_MIN * days / 1000
    return [
        Worth(
            kpi="water",
            value=used,
            baseline=timer,
            baseline_name="timer",
            from_ms=from_ms,
            to_ms=to_ms,
            evidence=evidence,
        )
    ]
