# SPDX-License-Identifier: Apache-2.0
"""What containers and collection trucks measure (FIWARE WasteContainer, Vehicle)."""

from __future__ import annotations

from smartcity.kernel.metrics import DataClass, Keep, Metric, Total

TILT = ("upright", "tilted")
TRUCK_STATES = ("off duty", "at the depot", "driving", "emptying", "unloading", "returning")
REPORT_S = 1800.0
TRUCK_S = 15.0


def _container(name: str, title: str, unit: str, low: float, high: float, purpose: str, **more: object) -> Metric:
    return Metric(
        name=f"waste.{name}",
        title=title,
        unit=unit,
        low=low,
        high=high,
        every_s=REPORT_S,
        data_class=DataClass.INTERNAL,
        purpose=purpose,
        **more,  # type: ignore[arg-type]
    )


def _truck(name: str, title: str, unit: str, low: float, high: float, purpose: str, **more: object) -> Metric:
    given: dict[str, object] = {"data_class": DataClass.INTERNAL, "keep": Keep.EVERY, "keep_every_s": 60.0} | more
    return Metric(
        name=f"waste.{name}",
        title=title,
        unit=unit,
        low=low,
        high=high,
        every_s=TRUCK_S,
        purpose=purpose,
        **given,  # type: ignore[arg-type]
    )


_WHERE = {"data_class": DataClass.PERSONAL, "keep_raw_days": 14, "keep_rollup_days": 14, "rolled": False}

METRICS = (
    _container(
        "fill_level", "Fill level", "%", 0, 100, "Which containers to visit before they overflow.",
        spike=40.0,  # an echo from a lid or a bird; a sofa is still there at the next two readings
    ),
    _container("distance", "Distance to the waste", "mm", 0, 8000, "Raw echo of sensors that know no fill level."),
    _container(
        "temperature", "Temperature", "Cel", -50, 150, "Smouldering waste is known before it burns.",
        stuck_s=24 * 3600.0,
    ),
    _container("battery", "Sensor battery", "%", 0, 100, "Sensors are exchanged before they fall silent."),
    _container("battery_voltage", "Sensor battery", "V", 0, 5, "Sensors are exchanged before they fall silent."),
    _container("valid_samples", "Valid echoes", "1", 0, 255, "How far an echo can be believed.", total=Total.LAST),
    _container(
        "tilt", "Tilt", "1", 0, 1, "A toppled container blocks the way and measures nothing.",
        states=TILT, total=Total.MAX,
    ),
    _container(
        "weighed", "Weighed in", "kg", 0, 1e10, "What trucks brought, measured by the weighbridge.", total=Total.LAST
    ),
    _truck(
        "truck_state", "Truck", "1", 0, len(TRUCK_STATES) - 1, "What the crew is doing, for the desk.",
        states=TRUCK_STATES, total=Total.LAST, keep=Keep.ALL, keep_every_s=0.0,
    ),
    _truck("load", "Load", "kg", 0, 40_000, "A truck is never planned beyond its capacity."),
    _truck("odometer", "Distance driven", "km", 0, 2_000_000, "Kilometres beside the fixed rota.", total=Total.LAST),
    _truck("stops_left", "Stops left", "1", 0, 1000, "Whether the route will be done within the shift."),
    _truck("longitude", "Longitude", "deg", -180, 180, "Where the truck is, for the desk and the next plan.", **_WHERE),
    _truck("latitude", "Latitude", "deg", -90, 90, "Where the truck is, for the desk and the next plan.", **_WHERE),
)  # fmt: skip
