# SPDX-License-Identifier: Apache-2.0
"""What energy wants foreseen: load and generation of each site, and the feeders."""

from __future__ import annotations

from smartcity.kernel.forecasts import Target, Tier

TARGETS = (
    Target(
        metric="energy.load_kw",
        low=0.0,
        high=5000.0,
        kinds=("connection_point",),
        weather=("temperature",),
        purpose="The plan of batteries and chargers over the next day.",
        limit="contracted_kw",
        adds_up=("feeder", "transformer"),
    ),
    Target(
        metric="energy.generation_kw",
        low=0.0,
        high=5000.0,
        kinds=("pv_plant",),
        weather=("irradiance",),
        purpose="How much of the load the roof carries.",
        adds_up=("feeder", "transformer"),
    ),
    Target(
        metric="energy.feeder_kw",
        low=0.0,
        high=20000.0,
        kinds=("feeder",),
        weather=("temperature", "irradiance"),
        tier=Tier.HEAVY,
        purpose="Peak of each feeder within a day, for the grid desk.",
    ),
)
