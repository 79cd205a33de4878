# SPDX-License-Identifier: Apache-2.0
"""REST: the readings of a series, raw or rolled up, as JSON or CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
from django.http import Http404, HttpResponse, HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import declared
from smartcity.api.access import Action, scope
from smartcity.api.views import CityView, moment, span, whole
from smartcity.devices import time_zone
from smartcity.devices.models import Series
from smartcity.kernel.clock import clock
from smartcity.kernel.metrics import DataClass, Metric
from smartcity.telemetry import buckets, completeness, quarantine_api, read, retention_api

DAY_S = 86_400.0
LONGEST_S = {"raw": 14 * DAY_S, "15m": 100 * DAY_S, "1h": 400 * DAY_S, "1d": 3660 * DAY_S}
Rows = list[tuple[Any, ...]]


def visible_series(request: Request, series_id: int) -> tuple[Series, Metric]:
    """The series and its metric, or Http404 where the caller may not see it; personal data need their own grant."""
    found = Series.objects.select_related("device__asset__zone").filter(pk=series_id).first()
    metric = declared.metrics().get(found.metric) if found else None
    if found is None or metric is None:
        raise Http404("There is no such series.")
    asset = found.device.asset
    action = Action.PERSONAL if metric.data_class is DataClass.PERSONAL else Action.VIEW
    if not scope(request.user, action).allows(asset.domain, asset.zone.code):
        raise Http404("There is no such series.")
    return found, metric


class ReadingsView(CityView):
    """Oldest first, instants in ms. Raw rows are [at, value, quality]; rollups [at, mean, n_good, low, high]."""

    @extend_schema(
        operation_id="readings",
        responses=OpenApiTypes.OBJECT,
        parameters=[
            OpenApiParameter("from", str, description="Milliseconds or ISO 8601; default: 24 h before to"),
            OpenApiParameter("to", str, description="Default: now, city time"),
            OpenApiParameter("grain", str, enum=list(LONGEST_S)),
            OpenApiParameter("limit", int, description="At most 20,000"),
            OpenApiParameter("as", str, enum=["json", "csv"]),
        ],
    )
    def get(self, request: Request, series_id: int) -> HttpResponseBase:
        series, metric = visible_series(request, series_id)
        grain = request.query_params.get("grain", "15m")
        if grain not in LONGEST_S:
            raise ValidationError({"grain": f"Choose one of {', '.join(LONGEST_S)}."})
        from_ms, to_ms = span(request, clock.now_ms(), DAY_S, LONGEST_S[grain])
        limit = whole(request, "limit", 10_000, 20_000)
        rows = _raw(series_id, from_ms, to_ms, limit) if grain == "raw" else _rolled(series_id, grain, from_ms, to_ms)
        if request.query_params.get("as") == "csv":
            return _csv(series, metric, grain, rows[:limit])
        head = {"series": series_id, "metric": metric.name, "unit": metric.unit, "grain": grain}
        return Response(head | {"results": rows[:limit], "more": len(rows) >= limit})


class CompletenessView(CityView):
    """Per city day that is over: [start, readings, usable readings, promised readings, share that is usable]."""

    @extend_schema(
        operation_id="completeness",
        responses=OpenApiTypes.OBJECT,
        parameters=[
            OpenApiParameter("from", str, description="Milliseconds or ISO 8601; default: 30 days before to"),
            OpenApiParameter("to", str, description="Default: now, city time"),
        ],
    )
    def get(self, request: Request, series_id: int) -> Response:
        _, metric = visible_series(request, series_id)
        from_ms, to_ms = span(request, clock.now_ms(), 30 * DAY_S, LONGEST_S["1d"])
        every_s = completeness.interval_s(metric)
        head = {"series": series_id, "metric": metric.name, "every_s": every_s}
        if not metric.rolled:
            return Response(head | {"results": [], "note": "This metric is not counted by the day."})
        found = completeness.of_days([series_id], every_s, from_ms, to_ms)
        over = found.day < int(buckets.day(np.array([clock.now_ms()]), time_zone.city_zone())[0])
        columns = (found.day, found.n[0], found.n_good[0], found.expected, np.round(found.share[0], 4))
        return Response(head | {"results": list(zip(*(column[over].tolist() for column in columns), strict=True))})


def _raw(series_id: int, from_ms: int, to_ms: int, limit: int) -> Rows:
    return [(r.at_ms, r.value, r.quality) for r in read.readings(series_id, from_ms, to_ms, limit)]


def _rolled(series_id: int, grain: Any, from_ms: int, to_ms: int) -> Rows:
    found = read.rollups([series_id], grain, from_ms, to_ms)
    columns = (found.bucket, found.mean, found.n_good, found.low, found.high)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [tuple(None if isinstance(v, float) and np.isnan(v) else v for v in row) for row in rows]


def _csv(series: Series, metric: Metric, grain: str, rows: Rows) -> HttpResponse:
    text = io.StringIO()
    writer = csv.writer(text)
    names = ("value", "quality") if grain == "raw" else ("mean", "n_good", "low", "high")
    head = ["at", *(f"{name} [{metric.unit}]" if name in {"value", "mean"} else name for name in names)]
    mark = [clock.mode] if clock.is_simulation else []  # the saved file, too, must say that nothing of it is real
    writer.writerow([*head, *("city mode" for _ in mark)])
    writer.writerows([moment(row[0]).isoformat(), *row[1:], *mark] for row in rows)
    name = "-".join([*mark, series.device.uid, metric.name, grain])
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    if clock.is_simulation:
        headers["X-City-Mode"] = clock.mode
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


urlpatterns = [
    path("series/<int:series_id>/readings", ReadingsView.as_view()),
    path("series/<int:series_id>/completeness", CompletenessView.as_view()),
    *quarantine_api.urlpatterns,
    *retention_api.urlpatterns,
]
