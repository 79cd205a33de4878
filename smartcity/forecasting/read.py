# SPDX-License-Identifier: Apache-2.0
"""What was foreseen, for loops and pages: one query each, so never call these in a loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, F, FloatField, Q, Sum

from smartcity import declared
from smartcity.devices.models import Series
from smartcity.forecasting.forecast import Forecast
from smartcity.forecasting.models import IssuedForecast, Score
from smartcity.forecasting.packing import unpack
from smartcity.kernel.forecasts import Target
from smartcity.telemetry.context import Source

__all__ = ["Forecast", "Record", "as_issued", "foreseen", "latest", "newest", "record", "target_of"]

RECENT_MS = 28 * 86_400_000
NOT_FORESEEN = "This series is not foreseen."


def latest(series_ids: Iterable[int]) -> dict[int, Forecast]:
    """The forecast in force of each series that has one which says something."""
    rows = IssuedForecast.objects.filter(series_id__in=sorted(set(series_ids)), is_current=True)
    return {row.series_id: unpack(row) for row in rows if len(row.values)}


def foreseen(of: Iterable[Source]) -> dict[int, Forecast]:
    """The same for what another domain shares, by series."""
    return latest(source.series for source in of)


def newest(series_id: int) -> Forecast | None:
    """The newest forecast of one series, an empty one with its reason included; None when it is not foreseen."""
    row = IssuedForecast.objects.filter(series_id=series_id, is_current=True).first()
    return None if row is None else unpack(row)


def target_of(series: Series) -> Target | None:
    """What its domain wants foreseen of it; None where nothing is."""
    kind = series.device.asset.kind
    fitting = (
        one for one in declared.targets() if one.metric == series.metric and (not one.kinds or kind in one.kinds)
    )
    return next(fitting, None)


def as_issued(series_id: int, at_ms: int) -> Forecast | None:
    """The forecast that stood at an instant, as far back as forecasts are kept."""
    rows = IssuedForecast.objects.filter(series_id=series_id, issued_at__lte=at_ms).order_by("-issued_at")
    row = rows.first()
    return None if row is None else unpack(row)


def issued_between(series_id: int, from_ms: int, to_ms: int) -> list[Forecast]:
    """All that are kept of those issued in [from_ms, to_ms), the oldest first. One query."""
    rows = IssuedForecast.objects.filter(series_id=series_id, issued_at__gte=from_ms, issued_at__lt=to_ms)
    return [unpack(row) for row in rows.order_by("issued_at") if len(row.values)]


@dataclass(frozen=True, slots=True)
class Record:
    """How a series' forecasts did over the last four weeks.

    `mae` in the metric's unit; `skill`: 1 − mae / that of the value one season before; `coverage80` and `coverage95`:
    share of actuals inside that band. All None while nothing has been scored (`n` 0).
    """

    n: int
    mae: float | None
    skill: float | None
    coverage80: float | None
    coverage95: float | None = None

    def words(self, unit: str) -> str:
        if not self.n or self.mae is None or self.coverage80 is None:
            return "No forecast has run its course yet, so its record is still open."
        said = f"In 28 days off by {short(self.mae)} {unit}".rstrip(" 1") + " on average"
        if self.skill is not None:
            better = "closer" if self.skill >= 0 else "further off"
            said += f", {abs(self.skill):.0%} {better} than the same time one season before"
        wider = "" if self.coverage95 is None else f", its 95 % band {self.coverage95:.0%}"
        return f"{said}; its 80 % band held {self.coverage80:.0%} of {self.n:,} values{wider}."


def record(series_id: int, now_ms: int) -> Record:
    """Scores of the last four weeks, weighted by how many values each rests on. One query."""
    rows = Score.objects.filter(series_id=series_id, issued_at__gt=now_ms - RECENT_MS)
    number = FloatField()
    found = rows.aggregate(
        rows=Count("pk"),
        steps=Sum("n"),
        error=Sum(F("mae") * F("n"), output_field=number),
        inside=Sum("inside80"),
        inside_wide=Sum("inside95"),
        steps_wide=Sum("n", filter=Q(inside95__isnull=False)),
    )
    paired = rows.exclude(naive_mae=None).aggregate(
        own=Sum(F("mae") * F("n"), output_field=number), naive=Sum(F("naive_mae") * F("n"), output_field=number)
    )
    n = found["steps"] or 0
    if not n:
        return Record(0, None, None, None)
    skill = 1 - paired["own"] / paired["naive"] if paired["naive"] else None
    wide = found["inside_wide"] / found["steps_wide"] if found["steps_wide"] else None
    return Record(n, found["error"] / n, skill, found["inside"] / n, wide)


def short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
