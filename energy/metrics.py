# SPDX-License-Identifier: Apache-2.0
"""What meters, batteries, chargers and transformers of the city's own portfolio measure. Import is positive."""

from __future__ import annotations

from smartcity.kernel.metrics import DataClass, Keep, Metric

LEAST_KW, MOST_KW = -5000.0, 5000.0
_KEEP = {"keep": Keep.EVERY, "keep_every_s": 300.0, "every_s": 60.0, "data_class": DataClass.INTERNAL}


def _power(name: str, title: str, purpose: str, low: float = LEAST_KW, high: float = MOST_KW, **more: object) -> Metric:
    given = _KEEP | more
    return Metric(name=f"energy.{name}", title=title, unit="kW", low=low, high=high, purpose=purpose, **given)  # type: ignore[arg-type]


METRICS = (
    _power("import_kw", "Import", "Contracted capacity and the bill of a city-owned connection point."),
    _power(
        "load_kw",
        "Load",
        "Demand of the building without battery, chargers and PV, which forecasts rest on.",
        0,
        stuck_s=4 * 3600.0,
        rests_at=0.0,
    ),
    _power("generation_kw", "Generation", "Output of a PV plant on a city roof.", 0),
    _power("battery_kw", "Battery power", "Charging (positive) or discharging of a battery, proof of its command."),
    _power("charging_kw", "Charging power", "Power of a charging point, proof of its limit.", 0, 400),
    _power(
        "feeder_kw",
        "Feeder load",
        "Load of a feeder or transformer, so that equipment stays within its rating.",
        -20_000,
        20_000,
        stuck_s=4 * 3600.0,
        rests_at=0.0,
    ),
    Metric(
        name="energy.soc",
        title="State of charge",
        unit="%",
        low=0,
        high=100,
        every_s=60,
        keep=Keep.EVERY,
        keep_every_s=300,
        data_class=DataClass.INTERNAL,
        purpose="What a battery can still give or take, for the plan and for reserves.",
    ),
    Metric(
        name="energy.loading",
        title="Loading",
        unit="% of rating",
        low=0,
        high=300,
        every_s=60,
        keep=Keep.EVERY,
        keep_every_s=300,
        data_class=DataClass.INTERNAL,
        purpose="How near a transformer is to its rating, for alarms and limits.",
    ),
)
