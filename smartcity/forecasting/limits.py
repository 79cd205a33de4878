# SPDX-License-Identifier: Apache-2.0
"""The threshold a person would ask about: what the asset is contracted for, or where its alarm rings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smartcity import declared
from smartcity.devices.models import EngineeringRecord, Series
from smartcity.kernel.alarms import AlarmRule
from smartcity.kernel.forecasts import Target
from smartcity.kernel.metrics import Metric

HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """In the metric's unit, and what it is."""

    value: float
    words: str


def of(series: Series, target: Target, metric: Metric) -> Limit | None:
    """One query; None where nothing is limited."""
    asset = series.device.asset
    record = EngineeringRecord.objects.filter(asset=asset, is_current=True).values_list("data", flat=True).first()
    data: dict[str, object] = record if isinstance(record, dict) else {}
    signed = data.get(target.limit) if target.limit else None
    if isinstance(signed, int | float) and not isinstance(signed, bool):
        words = target.limit.partition("_")[0] if target.limit.startswith("contracted") else target.limit
        return Limit(float(signed), f"{words.replace('_', ' ')} limit in the engineering data")
    rules = [one for one in declared.alarm_rules() if one.metric == series.metric and asset.kind in one.kinds]
    rung = ((rule, rings_at(rule, metric.low, metric.high, data)) for rule in sorted(rules, key=lambda r: r.severity))
    found = next(((rule, at) for rule, at in rung if at is not None), None)
    return None if found is None else Limit(found[1], f"alarm {found[0].name.partition('.')[2].replace('_', ' ')}")


def rings_at(rule: AlarmRule, low: float, high: float, engineering: Mapping[str, object]) -> float | None:
    """The value from which a rule is bad, found by halving; None where it is not bad above a value. Pure."""
    data = dict(engineering)
    if rule.is_bad(low, data) or not rule.is_bad(high, data):
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if rule.is_bad(middle, data) else (middle, high)
    return float(f"{high:.6g}")
