# SPDX-License-Identifier: Apache-2.0
"""Which methods a series has trusted, and since when: written only where a backtest changed its mind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Q, QuerySet

from smartcity.forecasting.models import Champion
from smartcity.forecasting.ranking import Standing

NOTICEABLE = 0.25  # of the forecast moved from one method to another
AVERAGED = 5_000  # series that the mean shares of a kind are taken over


def remember(series: Sequence[int], standings: Sequence[Standing], now_ms: int) -> int:
    """Add a row for each series whose methods have changed; how many. At most three queries. Call in a transaction."""
    current = {row.series_id: row for row in Champion.objects.filter(series_id__in=series, is_current=True)}
    fresh = [
        Champion(series_id=pk, since=now_ms, shares=found, skill=standing.skill)
        for pk, standing in zip(series, standings, strict=True)
        if standing.windows and has_changed(current[pk].shares if pk in current else None, found := shares(standing))
    ]
    if fresh:
        changed = [row.series_id for row in fresh]
        Champion.objects.filter(series_id__in=changed, is_current=True).update(is_current=False)
        Champion.objects.bulk_create(fresh)
    return len(fresh)


def of_kind(visible: Q, metric: str, kind: str) -> tuple[dict[str, float], int]:
    """Mean share of each method over the series of a kind as they stand, the largest first, and over how many: no more
    than `AVERAGED` are read. One query."""
    rows = list(changes(visible, metric, kind).filter(is_current=True).values_list("shares", flat=True)[:AVERAGED])
    total: dict[str, float] = {}
    for found in rows:
        for name, share in found.items():
            total[name] = total.get(name, 0.0) + share
    means = {name: share / len(rows) for name, share in total.items()}
    return dict(sorted(means.items(), key=lambda one: -one[1])), len(rows)


def changes(visible: Q, metric: str, kind: str) -> QuerySet[Champion]:
    """Every time a backtest changed its mind about a series of a kind that `visible` lets through."""
    there = Q(series__device__retired_at=None, series__metric=metric, series__device__asset__kind=kind)
    return Champion.objects.filter(visible & there).select_related("series__device__asset")


def shares(standing: Standing) -> dict[str, float]:
    """Each method's mean share over the horizon, the largest first."""
    means = {name: float(part.mean()) for name, part in standing.parts.items()}
    total = sum(means.values())
    return {name: round(mean / total, 3) for name, mean in sorted(means.items(), key=lambda one: -one[1])}


def has_changed(before: Mapping[str, float] | None, now: Mapping[str, float]) -> bool:
    """Whether another method leads by more than a hair, or a quarter of the forecast has changed hands. Pure."""
    if before is None:
        return True
    moved = sum(abs(now.get(name, 0.0) - before.get(name, 0.0)) for name in {*before, *now}) / 2
    leads = max(now, key=lambda name: now[name], default="") == max(before, key=lambda name: before[name], default="")
    return moved >= NOTICEABLE or (not leads and moved >= NOTICEABLE / 2)
