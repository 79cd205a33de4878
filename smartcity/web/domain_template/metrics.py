# SPDX-License-Identifier: Apache-2.0
"""What a bed's controller measures."""

from __future__ import annotations

from smartcity.kernel.metrics import DataClass, Metric

MOISTURE = Metric(
    name="newdomain.moisture",
    title="Soil moisture",
    unit="%",
    low=0,
    high=100,
    every_s=600,
    data_class=DataClass.INTERNAL,
    purpose="Water a bed when its soil is dry, and only then.",
)
FLOW = Metric(
    name="newdomain.flow",
    title="Water flow",
    unit="l/min",
    low=0,
    high=500,
    every_s=600,
    data_class=DataClass.INTERNAL,
    purpose="Proof that a valve did what it was told, and the water used.",
)
METRICS = (MOISTURE, FLOW)
