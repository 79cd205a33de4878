# SPDX-License-Identifier: Apache-2.0
"""What the waste desk must know about, and what to do."""

from __future__ import annotations

from smartcity.kernel.alarms import AlarmRule, Severity
from waste.level import from_distance

OVERFULL, NOT_OVERFULL = 98.0, 85.0
FIRE_C, COOLED_C = 60.0, 50.0
LOW_PERCENT, FINE_PERCENT = 10.0, 20.0


def _echo_is_full(distance: float, engineering: dict[str, object]) -> bool:
    fill = from_distance(distance, engineering)
    return fill is not None and fill >= OVERFULL


def _echo_has_room(distance: float, engineering: dict[str, object]) -> bool:
    fill = from_distance(distance, engineering)
    return fill is not None and fill <= NOT_OVERFULL


_OVERFULL = {
    "kinds": ("container",),
    "severity": Severity.LOW,
    "on_delay_s": 3600.0,
    "off_delay_s": 0.0,
    "text": "{name}: full, waste may lie beside it",
    "cause": "More came in than foreseen, or the last call was missed.",
    "consequence": "Litter on the street, rats, complaints; the next emptying takes longer.",
    "response": "Send the nearest truck with room, or wait for the planned call if it is due within two hours.",
    "respond_within_s": 4 * 3600.0,
    "call": "Waste dispatcher",
}
ALARMS = (
    AlarmRule(
        name="waste.overfull",
        metric="waste.fill_level",
        is_bad=lambda value, _: value >= OVERFULL,
        is_good=lambda value, _: value <= NOT_OVERFULL,
        **_OVERFULL,  # type: ignore[arg-type]
    ),
    AlarmRule(
        name="waste.overfull_echo",
        metric="waste.distance",
        is_bad=_echo_is_full,
        is_good=_echo_has_room,
        **_OVERFULL,  # type: ignore[arg-type]
    ),
    AlarmRule(
        name="waste.fire",
        metric="waste.temperature",
        kinds=("container",),
        severity=Severity.CRITICAL,
        is_bad=lambda value, _: value >= FIRE_C,
        is_good=lambda value, _: value <= COOLED_C,
        on_delay_s=0,
        off_delay_s=1800,
        text="{name}: {value:.0f} °C inside, it may be burning",
        cause="Hot ash, a battery or arson; sun alone does not heat a container to 60 °C.",
        consequence="Fire spreads to the next containers, cars and façades.",
        response="Call the fire brigade, then keep trucks away from the container.",
        respond_within_s=300,
        call="Fire brigade, 112",
    ),
    AlarmRule(
        name="waste.tilted",
        metric="waste.tilt",
        kinds=("container",),
        severity=Severity.MEDIUM,
        is_bad=lambda value, _: value >= 0.5,
        is_good=lambda value, _: value < 0.5,
        on_delay_s=1800,
        off_delay_s=0,
        text="{name}: toppled over",
        cause="Wind, a vehicle or people.",
        consequence="It blocks the way and its fill level is not to be believed.",
        response="Have it set up again with the next crew that passes.",
        respond_within_s=4 * 3600,
        call="Waste dispatcher",
    ),
    AlarmRule(
        name="waste.sensor_battery",
        metric="waste.battery",
        kinds=("container",),
        severity=Severity.LOW,
        is_bad=lambda value, _: value < LOW_PERCENT,
        is_good=lambda value, _: value > FINE_PERCENT,
        on_delay_s=6 * 3600,
        off_delay_s=0,
        text="{name}: sensor battery at {value:.0f} %",
        cause="The battery is near its end, or the radio sends at full power.",
        consequence="The sensor falls silent within weeks and the container is planned blind.",
        response="Exchange the battery with the next maintenance round.",
        respond_within_s=14 * 86400,
        call="Sensor maintenance",
    ),
)
