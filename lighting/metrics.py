# SPDX-License-Identifier: Apache-2.0
"""What a luminaire controller measures (TALQ LampMonitorFunction)."""

from __future__ import annotations

from smartcity.kernel.metrics import DataClass, Metric, Total

FAULTS = ("none", "lamp failure", "burning by day", "power too low", "programme invalid", "clock lost")

METRICS = (
    Metric(
        name="lighting.dim_level",
        title="Dimming level",
        unit="%",
        low=0,
        high=100,
        every_s=300,
        data_class=DataClass.INTERNAL,
        purpose="Proof that every street keeps its lighting class, and the effect of each dimming command.",
    ),
    Metric(
        name="lighting.power_w",
        title="Power",
        unit="W",
        low=0,
        high=1000,
        every_s=300,
        data_class=DataClass.INTERNAL,
        purpose="Energy used, and whether the lamp really followed the command.",
    ),
    Metric(
        name="lighting.fault",
        title="Fault",
        unit="1",
        low=0,
        high=len(FAULTS) - 1,
        every_s=300,
        data_class=DataClass.INTERNAL,
        purpose="Lamps that failed or burn by day, known before a citizen calls.",
        states=FAULTS,
        total=Total.MAX,
    ),
)
