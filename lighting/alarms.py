# SPDX-License-Identifier: Apache-2.0
"""What the lighting desk must know about, and what to do."""

from __future__ import annotations

from lighting.metrics import FAULTS
from smartcity.kernel.alarms import AlarmRule, Severity


def _is(fault: str) -> dict[str, object]:
    code = FAULTS.index(fault)
    return {"is_bad": lambda value, _: round(value) == code, "is_good": lambda value, _: round(value) != code}


ALARMS = (
    AlarmRule(
        name="lighting.lamp_failure",
        metric="lighting.fault",
        kinds=("luminaire",),
        severity=Severity.LOW,
        on_delay_s=600,
        off_delay_s=600,
        text="{name}: lamp failed, dark while light is due",
        cause="The lamp draws almost no power while the node commands light: driver or module is dead.",
        consequence="A dark spot on the street; two in a row leave the street below its class.",
        response="Plan a visit with the next lamp round; at once where the neighbour is dark too.",
        respond_within_s=3 * 86400,
        call="Lighting contractor",
        **_is("lamp failure"),  # type: ignore[arg-type]
    ),
    AlarmRule(
        name="lighting.day_burner",
        metric="lighting.fault",
        kinds=("luminaire",),
        severity=Severity.LOW,
        on_delay_s=1200,
        off_delay_s=600,
        text="{name}: burning by day",
        cause="The lamp draws power while the node commands darkness: relay stuck or maintenance switch left on.",
        consequence="Energy is wasted and the lamp ages; citizens notice.",
        response="Ask whether a crew is testing there; else plan a visit.",
        respond_within_s=7 * 86400,
        call="Lighting contractor",
        **_is("burning by day"),  # type: ignore[arg-type]
    ),
    AlarmRule(
        name="lighting.clock_lost",
        metric="lighting.fault",
        kinds=("luminaire",),
        severity=Severity.LOW,
        on_delay_s=3600,
        off_delay_s=600,
        text="{name}: has lost its clock, full light all night",
        cause="The node's clock battery is empty, or it was never given the time after a loss of supply.",
        consequence="It keeps no programme and ends no command in time, so it lights fully: safe, but wasteful.",
        response="Set its clock from the lighting gateway; plan a visit where it loses it again.",
        respond_within_s=7 * 86400,
        call="Lighting contractor",
        **_is("clock lost"),  # type: ignore[arg-type]
    ),
)
