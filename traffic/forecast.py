# SPDX-License-Identifier: Apache-2.0
"""What traffic wants foreseen: flows. Junction totals carefully, approaches by the methods that cost nothing."""

from __future__ import annotations

from smartcity.kernel.forecasts import Target, Tier

TARGETS = (
    Target(
        metric="traffic.flow",
        low=0.0,
        high=8000.0,
        kinds=("intersection",),
        tier=Tier.HEAVY,
        purpose="Junction totals a day ahead: for the signal engineer's plans, and for works and events.",
    ),
    Target(
        metric="traffic.flow",
        low=0.0,
        high=8000.0,
        kinds=("approach",),
        purpose="The coming hour on each road: street lighting dims by it.",
        adds_up=("district", "street"),
    ),
)
