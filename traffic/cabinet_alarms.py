# SPDX-License-Identifier: Apache-2.0
"""Alarms of what a cabinet says of itself: lamps, battery, clock, detectors, and a signal that stays red."""

from __future__ import annotations

from collections.abc import Callable

from smartcity.kernel.alarms import AlarmRule, Severity
from traffic.metrics import DETECTOR_FAULTS, RED_LAMP, UPS

Test = Callable[[float, dict[str, object]], bool]
DESK = "traffic signal desk"


def is_code(code: int) -> tuple[Test, Test]:
    """Raise and clear test of one code of a state metric."""
    return (lambda value, _: round(value) == code), (lambda value, _: round(value) != code)


def limit(signed: dict[str, object]) -> float:
    """The signed maximum red, s; 120 where none is signed."""
    value = signed.get("max_red_s")
    return float(value) if isinstance(value, int | float) else 120.0


def stuck(signed: dict[str, object]) -> float:
    """A wait, s, that is a fault and not a long red any more: then that is the alarm, and the only one."""
    return 2 * limit(signed) + 60


_works_again, _lamp_is_out = is_code(RED_LAMP.index("works"))
_on_battery, _ = is_code(UPS.index("on battery"))
_battery_low, _battery_not_low = is_code(UPS.index("battery low"))
OF_THE_CABINET = (
    AlarmRule(
        name="traffic.red_lamp",
        metric="traffic.red_lamp",
        kinds=("intersection",),
        severity=Severity.HIGH,
        is_bad=_lamp_is_out,
        is_good=_works_again,
        on_delay_s=10,
        off_delay_s=60,
        text="{name}: a red lamp is out",
        cause="A lamp or its lead has failed; the monitor measures no current at red.",
        consequence="Somebody may see nothing that stops them; most controllers flash instead.",
        response="Send a technician with a lamp; have the crossing guarded until then.",
        respond_within_s=1800,
        call=DESK,
    ),
    AlarmRule(
        name="traffic.battery",
        metric="traffic.ups",
        kinds=("intersection",),
        severity=Severity.MEDIUM,
        is_bad=_on_battery,
        is_good=lambda value, _: round(value) == UPS.index("on mains"),
        on_delay_s=60,
        off_delay_s=60,
        text="{name}: runs on its battery",
        cause="The mains are out and the battery has taken over.",
        consequence="The signal works for as long as the battery lasts, often one to four hours.",
        response="Ask the grid desk when the supply returns; send a generator if that is later than the battery lasts.",
        respond_within_s=1800,
        call=DESK,
    ),
    AlarmRule(
        name="traffic.battery_low",
        metric="traffic.ups",
        kinds=("intersection",),
        severity=Severity.HIGH,
        is_bad=_battery_low,
        is_good=_battery_not_low,
        on_delay_s=10,
        off_delay_s=60,
        text="{name}: battery is low, the signal will go dark",
        cause="The mains have been out for longer than the battery was made for, or it is old.",
        consequence="The junction will be dark within minutes.",
        response="Have the junction guarded now; send a generator.",
        respond_within_s=600,
        call=DESK,
    ),
    AlarmRule(
        name="traffic.clock",
        metric="traffic.clock_error_s",
        kinds=("intersection",),
        severity=Severity.MEDIUM,
        is_bad=lambda value, _: value > 1.0,
        is_good=lambda value, _: value <= 0.5,
        on_delay_s=60,
        off_delay_s=120,
        text="{name}: its clock and the centre's are {value:.0f} s apart",
        cause="The cabinet's receiver has lost the time, or the centre's server has.",
        consequence="No plan in absolute seconds is followed; the junction runs by its own loops.",
        response="Compare a few junctions: one is the cabinet's clock, all are the centre's. Set it right there.",
        respond_within_s=3600,
        call=DESK,
    ),
    AlarmRule(
        name="traffic.detector",
        metric="traffic.detector_fault",
        kinds=("intersection",),
        severity=Severity.LOW,
        is_bad=lambda value, _: 1 <= round(value) < len(DETECTOR_FAULTS),
        is_good=lambda value, _: round(value) == 0,
        on_delay_s=120,
        off_delay_s=120,
        text="{name}: a detector at its stop lines cannot be believed",
        cause="It is silent, stuck, chatters, or counts what cannot be: cut lead, loose loop, blinded camera.",
        consequence="Its lane is served on recall whether or not somebody waits; with most of them gone the plan runs.",
        response="Read at the junction which detector it is and what it does; order its repair.",
        respond_within_s=24 * 3600,
        call=DESK,
    ),
    AlarmRule(
        name="traffic.stuck_red",
        metric="traffic.longest_red_s",
        kinds=("intersection",),
        severity=Severity.HIGH,
        is_bad=lambda value, signed: value > stuck(signed),
        is_good=lambda value, signed: value < limit(signed),
        on_delay_s=10,
        off_delay_s=60,
        text="{name}: a signal stays red, somebody has waited {value:.0f} s",
        cause="A stage is never shown, its exit is blocked, or its detector hangs at occupied.",
        consequence="Drivers will pass at red.",
        response="Look at the junction: clear the exit if it is blocked, else have it flash and send a technician.",
        respond_within_s=600,
        call=DESK,
    ),
)
