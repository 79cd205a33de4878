# SPDX-License-Identifier: Apache-2.0
"""What the gardeners must know about, and what to do."""

from __future__ import annotations

from smartcity.kernel.alarms import AlarmRule, Severity

ALARMS = (
    AlarmRule(
        name="newdomain.parched",
        metric="newdomain.moisture",
        kinds=("bed",),
        severity=Severity.MEDIUM,
        is_bad=lambda value, _: value < 15,
        is_good=lambda value, _: value > 20,
        on_delay_s=1800,
        off_delay_s=1800,
        text="{name}: soil moisture {value:.0f} {unit}",
        cause="The valve does not open, the supply is shut, or the sensor lies above the soil.",
        consequence="Young plants wither within a day.",
        response="Look at the flow; if there is none, send a gardener with a hose.",
        respond_within_s=12 * 3600,
        call="Gardeners",
    ),
)
