# SPDX-License-Identifier: Apache-2.0
"""Commands whose effect was not measured, for as long as that is news: what the alarms ask about."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Max

from smartcity import declared
from smartcity.control.instants import instant
from smartcity.control.models import Command
from smartcity.control.promises import promised, shortfall
from smartcity.control.shapes import point_of
from smartcity.kernel.alarms import Finding
from smartcity.kernel.control import State

NEWS_FOR: Final = timedelta(hours=4)
LONGEST_VALUE: Final = 40
_FAILED = (State.FAILED, State.ROLLED_BACK)


class Unproven:
    """`look` is asked about every second: one query while nothing has failed, else two, and one for what is new."""

    def __init__(self) -> None:
        self._findings: dict[UUID, Finding] = {}

    def look(self, now_ms: int, is_simulation: bool) -> list[Finding]:
        """One finding an asset: its newest command that failed within four hours and that none has proven since.

        A later command counts for the point it was given on; on a point nobody commands again the news grows old.
        """
        failed = _failed(instant(now_ms) - NEWS_FOR, is_simulation)
        proven = _proven(failed) if failed else {}
        standing = {
            asset: pk
            for (asset, point), (at, pk) in sorted(failed.items(), key=lambda item: item[1][0])
            if at > proven.get((asset, point), datetime.min.replace(tzinfo=at.tzinfo))
        }
        known = {pk: self._findings[pk] for pk in standing.values() if pk in self._findings}
        self._findings = known | _findings([pk for pk in standing.values() if pk not in known])
        return list(self._findings.values())


Key = tuple[int, str]


def _failed(since: datetime, is_simulation: bool) -> dict[Key, tuple[datetime, UUID]]:
    """The newest command that failed since then, by asset and point."""
    rows = Command.objects.filter(
        ended_at__gt=since, state__in=_FAILED, simulated=is_simulation, asset__isnull=False
    ).order_by("created_at")
    columns = rows.values_list("asset", "point", "created_at", "pk")
    return {(asset, point): (at, pk) for asset, point, at, pk in columns if asset is not None}


def _proven(failed: dict[Key, tuple[datetime, UUID]]) -> dict[Key, datetime]:
    """When the newest command whose effect was measured was given, by asset and point."""
    oldest = min(at for at, _ in failed.values())
    rows = Command.objects.filter(state=State.VERIFIED, ended_at__gt=oldest).values_list("asset", "point")
    return {(asset, point): at for asset, point, at in rows.annotate(Max("created_at")) if asset is not None}


def _findings(new: Collection[UUID]) -> dict[UUID, Finding]:
    if not new:
        return {}
    rows = Command.objects.filter(pk__in=new).select_related("asset")
    return {row.pk: _finding(row) for row in rows}


def _finding(row: Command) -> Finding:
    assert row.asset is not None and row.asset_id is not None
    expect = promised(row.expect)
    metric = declared.metrics().get(expect.metric)
    text = f"{_asked(row)}: {shortfall(expect, row.measured)}. Why it was asked: {row.reason}"
    return Finding(asset=row.asset_id, text=text, value=row.measured, unit=metric.unit if metric else "")


def _asked(row: Command) -> str:
    assert row.asset is not None
    point = point_of(row.asset.kind, row.point)
    title, unit = (point.title, point.unit) if point else (row.point, "")
    value = f"{row.value:g}" if isinstance(row.value, int | float) else str(row.value)
    return f"{title} {value} {unit}".strip() if len(value) <= LONGEST_VALUE else title
