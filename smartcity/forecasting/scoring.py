# SPDX-License-Identifier: Apache-2.0
"""Forecasts that have run their course, held against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from django.db import transaction

from smartcity.forecasting import past, scores
from smartcity.forecasting.models import IssuedForecast, Score
from smartcity.forecasting.packing import unpack
from smartcity.forecasting.ranking import day_steps
from smartcity.forecasting.series import History, coarser
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
    """The actuals of all of them, and of the seasons before, come in one query."""
    start = min(row.start for row in rows) - _back_steps(target) * target.step_s * 1000
    end = max(row.end for row in rows)
    ids = sorted({row.series_id for row in rows})
    values = past.grid(target, ids, start, end)
    known = {pk: coarser(History(start, past.grain_s(target), line), target.step_s) for pk, line in zip(ids, values)}  # noqa: B905
    return [one for row in rows if (one := _score(row, known[row.series_id], target)) is not None]


def _back_steps(target: Target) -> int:
    """What must be known before a forecast: the season that naive repeats, and two days to see how much days differ."""
    return max((*target.seasons_steps, 2 * day_steps(target)))


def _score(row: IssuedForecast, actuals: History, target: Target) -> Score | None:
    """None where nothing was measured, or nothing had been said."""
    forecast, day = unpack(row), day_steps(target)
    steps = forecast.horizon_steps
    if not steps or not len(actuals.values) or row.step_s != actuals.step_s:
        return None
    came, before = actuals.window(row.end, steps), np.full(steps, np.nan)
    if target.seasons_steps:
        before = actuals.window(row.end - max(target.seasons_steps) * row.step_s * 1000, steps)
    whole = scores.measure(forecast.values, forecast.levels, came, before)
    if whole is None:
        return None
    is_longer = steps > day
    first = scores.measure(forecast.values[:, :day], forecast.levels, came[:day], before[:day]) if is_longer else None
    scale = float(scores.seasonal_scale(actuals.window(row.start, _back_steps(target))[None], day)[0])
    return Score(
        series_id=row.series_id,
        issued_at=row.issued_at,
        method=row.method,
        n=whole.n,
        mae=whole.mae,
        loss=whole.loss,
        naive_mae=whole.naive_mae,
        inside80=whole.inside80,
        inside95=whole.inside95,
        bias=whole.bias,
        scale=scale if np.isfinite(scale) else None,
        first_n=(first.n if first else 0) if is_longer else None,
        first_mae=first.mae if first else None,
        first_naive_mae=first.naive_mae if first else None,
        first_inside80=first.inside80 if first else None,
    )
