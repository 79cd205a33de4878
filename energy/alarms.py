# SPDX-License-Identifier: Apache-2.0
"""What the grid desk must know about."""

from __future__ import annotations

from smartcity.kernel.alarms import AlarmRule, Severity


def _contracted(engineering: dict[str, object]) -> float:
    value = engineering.get("contracted_kw")
    return float(value) if isinstance(value, int | float) else float("inf")


ALARMS = (
    AlarmRule(
        name="energy.contract",
        metric="energy.import_kw",
        kinds=("connection_point",),
        severity=Severity.MEDIUM,
        is_bad=lambda value, data: value > 1.03 * _contracted(data),
        is_good=lambda value, data: value < 0.98 * _contracted(data),
        on_delay_s=600,
        off_delay_s=900,
        text="{name}: import {value:.0f} kW is above the contracted capacity",
        cause="Demand grew beyond what battery and chargers could hold back.",
        consequence="A higher capacity charge for the month, and a breach of the connection contract.",
        response="See what the plan still can do; ask the site to shift load; limit its chargers by hand.",
        respond_within_s=1800,
        call="Energy manager",
    ),
    AlarmRule(
        name="energy.transformer_loading",
        metric="energy.loading",
        kinds=("transformer", "feeder"),
        severity=Severity.HIGH,
        is_bad=lambda value, _: value > 100,
        is_good=lambda value, _: value < 95,
        on_delay_s=900,
        off_delay_s=900,
        text="{name}: {value:.0f} % of rating",
        cause="The connection points below draw more than the equipment is rated for.",
        consequence="The winding heats up and ages; above 150 % protection will trip.",
        response="Move charging sessions below it; check the hot-spot before switching.",
        respond_within_s=1800,
        call="Grid desk",
    ),
)
