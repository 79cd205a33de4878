# SPDX-License-Identifier: Apache-2.0
"""What crews said about containers, as the planner wants to know it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from waste.models import StopReport


@dataclass(frozen=True, slots=True)
class Said:
    outcome: str
    at_ms: int
    truck: str


def latest_reports(now_ms: int, within: timedelta) -> dict[str, Said]:
    """Container uid -> the last word about it within the span; one query."""
    since = datetime.fromtimestamp(now_ms / 1000, UTC) - within
    rows = StopReport.objects.filter(at__gte=since).order_by("at")
    columns = ("container__uid", "outcome", "at", "truck__uid")
    return {
        uid: Said(outcome, int(at.timestamp() * 1000), truck) for uid, outcome, at, truck in rows.values_list(*columns)
    }
