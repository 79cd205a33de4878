# SPDX-License-Identifier: Apache-2.0
"""How an alarm is written for people, pages and other systems; static/js/README.md is the contract."""

from __future__ import annotations

from typing import Any

from smartcity.alarms import rules
from smartcity.alarms.models import Alarm
from smartcity.api.views import ms
from smartcity.kernel.alarms import Severity

FIELDS = "cause consequence response respond_within_s call"


def shape(row: Alarm) -> dict[str, Any]:
    """One alarm; select asset and zone."""
    rule = rules.explain(row.rule)
    point = row.asset.geom.centroid if row.asset else row.zone.area.centroid if row.zone.area else None
    why = {name: getattr(rule, name) if rule else None for name in FIELDS.split()}
    return {
        "id": row.pk,
        "rule": row.rule,
        "asset": row.asset.uid if row.asset else None,
        "asset_name": row.asset.name if row.asset else "",
        "members": row.members,
        "domain": row.domain,
        "zone": row.zone.code,
        "zone_name": row.zone.name,
        "severity": row.severity,
        "severity_word": Severity(row.severity).word,
        "text": row.text,
        "value": row.value,
        "unit": row.unit,
        "metric": rule.metric if rule else "",
        "series": row.series,
        "lon": round(point.x, 6) if point else None,
        "lat": round(point.y, 6) if point else None,
        **{n: ms(getattr(row, n)) for n in ("raised_at", "cleared_at", "acknowledged_at", "shelved_until")},
        "acknowledged_by": row.acknowledged_by,
        "note": row.note,
        "shelved_by": row.shelved_by,
        "shelved_why": row.shelved_why,
        "occurrences": row.occurrences,
        "simulated": row.simulated,
    } | why


def live(row: Alarm) -> dict[str, Any]:
    """The same for the live view: whether it is out of sight, and `gone` once it is over."""
    return shape(row) | {
        "acknowledged": row.acknowledged_at is not None,
        "shelved": row.shelved_until is not None,
        "gone": row.cleared_at is not None,
    }
