# SPDX-License-Identifier: Apache-2.0
"""What waste wants foreseen. When a container is full is not a seasonal series: filling.py answers that."""

from __future__ import annotations

from smartcity.kernel.forecasts import Target

TARGETS = (
    Target(
        metric="waste.fill_level",
        step_s=3600,
        horizon_steps=48,
        seasons_steps=(24, 168),
        low=0.0,
        high=100.0,
        kinds=("container",),
        purpose="The course of the day on the chart; routes rest on the time to full.",
    ),
)
