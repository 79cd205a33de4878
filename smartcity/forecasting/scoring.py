# SPDX-License-Identifier: Apache-2.0
"""Forecasts that have run their course, held against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from django.db import transaction

from smartcity.forecasting import past, scores
from smartcity.forecasting.models import IssuedForecast, Score
from smartcity.forecasting.packing import unpack
from smartcity.forecasting.series import Array, History, coarser
from smartcity.kernel.forecasts import Target

SETTLED_MS = 300_000  # the last quarter is rolled up a little after its end
AT_ONCE = 200


def score(targets: Mapping[int, Target], now_ms: int) -> int:
    """Score what is due of these series; how many forecasts were settled. A batch is one short transaction."""
    settled = 0
    while rows := _due(targets, now_ms):
        found: list[Score] = []
        by_metric: dict[str, list[IssuedForecast]] = {}
        for row in rows:
            by_metric.setdefault(targets[row.series_id].metric, []).append(row)
        for group in by_metric.values():
            found += _of_one_metric(targets[group[0].series_id], group)
        with transaction.atomic():
            Score.objects.bulk_create(found, ignore_conflicts=True)
            IssuedForecast.objects.filter(pk__in=[row.pk for row in rows]).update(is_scored=True)
        settled += len(rows)
    return settled


def _due(targets: Mapping[int, Target], now_ms: int) -> list[IssuedForecast]:
    ended = IssuedForecast.objects.filter(is_kept=True, is_scored=False, end__lte=now_ms - SETTLED_MS)
    return list(ended.filter(series_id__in=list(targets)).order_by("start")[:AT_ONCE])


def _of_one_metric(target: Target, rows: Sequence[IssuedForecast]) -> list[Score]:
    """The actuals of all of them, and of the season before, come in one query."""
    season_ms = max(target.seasons_steps, default=0) * target.step_s * 1000
    start, end = min(row.start for row in rows) - season_ms, max(row.end for row in rows)
    ids = sorted({row.series_id for row in rows})
    values = past.grid(target, ids, start, end)
    known = {pk: coarser(History(start, past.grain_s(target), line), target.step_s) for pk, line in zip(ids, values)}  # noqa: B905
    return [one for row in rows if (one := _score(row, known[row.series_id], season_ms)) is not None]


def _score(row: IssuedForecast, actuals: History, season_ms: int) -> Score | None:
    """None where nothing was measured, or nothing had been said."""
    forecast = unpack(row)
    steps = forecast.horizon_steps
    if not steps or not len(actuals.values) or row.step_s != actuals.step_s:
        return None
    came = actuals.window(row.end, steps)
    known = np.isfinite(came)
    if not known.any():
        return None
    band = forecast.values
    low, high = forecast.at(0.1), forecast.at(0.9)
    return Score(
        series_id=row.series_id,
        issued_at=row.issued_at,
        method=row.method,
        n=int(known.sum()),
        mae=float(scores.absolute_error(band, forecast.levels, came)),
        loss=float(scores.quantile_loss(band, forecast.levels, came)),
        naive_mae=_naive(came, actuals.window(row.end - season_ms, steps)) if season_ms else None,
        inside80=int(np.sum((came[known] >= low[known]) & (came[known] <= high[known]))),
    )


def _naive(came: Array, before: Array) -> float | None:
    error = np.abs(came - before)
    return float(np.nanmean(error)) if np.isfinite(error).any() else None
