# SPDX-License-Identifier: Apache-2.0
"""Series whose forecasts have become worse: the Page-Hinkley test on what their records say.

A counter is moved, a street closed, a firm leaves: the backtest looks at a few weeks and takes its time. The test adds
up how far each day's figure lies above the mean so far, less an allowance, and speaks when the sum has climbed by a
limit since its lowest point (Page 1954, Hinkley 1971). Two figures are watched: the scaled error, by its logarithm, so
that doubled means the same for all series, and the share of steps outside the 80 % band.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from smartcity.forecasting.models import Drift, Score
from smartcity.forecasting.series import Array

DAY_MS = 86_400_000
REMEMBERED_MS = 60 * DAY_MS
WARM_DAYS = 14  # before a mean is one
OVER_DAYS = 7
OVER_BY = 1.15  # of what it was before: then it is over


@dataclass(frozen=True, slots=True)
class Watched:
    """A figure of a day's forecasts: what is allowed above its mean, and the limit of the sum."""

    what: str
    allowed: float
    limit: float
    in_logs: bool = False


ERROR = Watched("error", allowed=0.25, limit=3.0, in_logs=True)
MISSES = Watched("misses", allowed=0.1, limit=1.0)


@dataclass(frozen=True, slots=True)
class Change:
    """From `index` on the mean is `after`, and was `before`."""

    index: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Days:
    """Days with scores of a series, oldest first: when they began, mean scaled error, mean share outside 80 %."""

    at_ms: Array
    error: Array
    misses: Array


def page_hinkley(values: Array, watched: Watched) -> Change | None:
    """Whether the mean of `values[T]` has risen for good, and from where. O(T)."""
    if len(values) <= WARM_DAYS:
        return None
    told = np.log(np.maximum(values, 1e-9)) if watched.in_logs else values
    above = told - np.cumsum(told) / np.arange(1, len(told) + 1) - watched.allowed
    above[:WARM_DAYS] = 0.0
    total = np.cumsum(above)
    risen = total - np.minimum.accumulate(total)
    if not (risen > watched.limit).any():
        return None
    found = int(np.argmax(risen > watched.limit))
    since = int(np.argmin(total[: found + 1])) + 1
    return Change(since, float(values[:since].mean()), float(values[since:].mean()))


def watch(series: Sequence[int], now_ms: int) -> set[int]:
    """Note which of these series have begun to drift and which have settled; returns those that drift.

    Two queries, and two writes where something has changed.
    """
    days = _days(series, now_ms)
    known = {(row.series_id, row.what): row for row in Drift.objects.filter(series_id__in=series, ended_at=None)}
    began, ended = [], []
    for pk, one in days.items():
        for watched, values in ((ERROR, one.error), (MISSES, one.misses)):
            row = known.get((pk, watched.what))
            change = None if row else page_hinkley(values, watched)
            if row and _is_over(values, row.before):
                ended.append(row)
            elif change and not _is_over(values, change.before):
                began.append(_begun(pk, watched, change, int(one.at_ms[change.index]), now_ms))
    if began or ended:
        with transaction.atomic():
            Drift.objects.filter(pk__in=[row.pk for row in ended]).update(ended_at=now_ms)
            Drift.objects.bulk_create(began)
    return {row.series_id for row in (*known.values(), *began)} - {row.series_id for row in ended}


def _begun(pk: int, watched: Watched, change: Change, since_ms: int, now_ms: int) -> Drift:
    return Drift(
        series_id=pk,
        what=watched.what,
        since=since_ms,
        noticed_at=now_ms,
        before=change.before,
        after=change.after,
    )


def _is_over(values: Array, before: float) -> bool:
    """The last week is about as good as before."""
    return len(values) >= OVER_DAYS and float(values[-OVER_DAYS:].mean()) <= OVER_BY * before


def _days(series: Sequence[int], now_ms: int) -> dict[int, Days]:
    """One query."""
    rows = Score.objects.filter(
        series_id__in=series, issued_at__gt=now_ms - REMEMBERED_MS, issued_at__lte=now_ms, scale__gt=0
    ).values_list("series_id", "issued_at", "mae", "scale", "inside80", "n")
    by: dict[int, dict[int, list[tuple[float, float]]]] = {}
    for pk, at, mae, scale, inside, n in rows:
        by.setdefault(pk, {}).setdefault(at // DAY_MS, []).append((mae / (scale or 1.0), 1 - inside / n))
    found = {}
    for pk, scored in by.items():
        order = sorted(scored)
        error, misses = np.array([np.mean(scored[day], axis=0) for day in order]).T
        found[pk] = Days(np.array(order, np.float64) * DAY_MS, error, misses)
    return found
