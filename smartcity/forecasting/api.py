# SPDX-License-Identifier: Apache-2.0
"""REST: what is foreseen of a series, how good such forecasts were, and what yesterday's said about now."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.views import CityView, instant
from smartcity.forecasting import read
from smartcity.forecasting.board_api import AccuracyView
from smartcity.forecasting.champions_api import MethodsView
from smartcity.forecasting.forecast import Forecast
from smartcity.forecasting.pins_api import LiftPin, PinsView
from smartcity.forecasting.tree_api import TreeView
from smartcity.kernel.clock import clock
from smartcity.telemetry.api import visible_series

DAY_MS = 86_400_000
NOT_FORESEEN = "This series is not foreseen."


class ForecastView(CityView):
    """The forecast in force, or with `at` the one that stood then; points are [at, median, low 80 %, high 80 %]."""

    @extend_schema(
        operation_id="forecast",
        responses=OpenApiTypes.OBJECT,
        parameters=[OpenApiParameter("at", str, description="Milliseconds or ISO 8601; default: the newest")],
    )
    def get(self, request: Request, series_id: int) -> Response:
        series, metric = visible_series(request, series_id)
        now_ms = clock.now_ms()
        if "at" in request.query_params:
            found = read.as_issued(series_id, instant(request.query_params["at"], "at"))
        else:
            found = read.newest(series_id)
        record = read.record(series_id, now_ms)
        head = {"series": series_id, "metric": series.metric, "unit": metric.unit}
        if found is None:
            return Response(head | {"points": [], "yesterday": [], "record": _record(record, NOT_FORESEEN)})
        said = " ".join(part for part in (found.note, record.words(metric.unit) if found.horizon_steps else "") if part)
        return Response(
            head
            | {"issued_at": found.issued_at_ms, "method": found.method, "basis": found.basis, "step_s": found.step_s}
            | {"points": _points(found), "record": _record(record, said)}
            | {"yesterday": _yesterday(series_id, found.issued_at_ms, now_ms)}
        )


def _points(forecast: Forecast) -> list[list[float]]:
    if forecast.is_empty:
        return []
    bands = zip(*(forecast.at(level).round(4).tolist() for level in (0.5, 0.1, 0.9)), strict=True)
    return [[at, *band] for at, band in zip(forecast.instants_ms, bands, strict=True)]


def _yesterday(series_id: int, issued_ms: int, now_ms: int) -> list[list[float]]:
    """What the forecast of a day before said, as far as it can be compared with what came."""
    before = read.as_issued(series_id, issued_ms - DAY_MS)
    if before is None or before.is_empty:
        return []
    medians = zip(before.instants_ms, before.median.round(4).tolist(), strict=True)
    return [[at, value] for at, value in medians if at < now_ms]


def _record(record: read.Record, words: str) -> dict[str, Any]:
    measured = {"skill": record.skill, "coverage80": record.coverage80, "mae": record.mae, "n": record.n}
    return {"words": words} | measured


urlpatterns = [
    path("series/<int:series_id>/forecast", ForecastView.as_view()),
    path("series/<int:series_id>/forecast/methods", MethodsView.as_view()),
    path("forecasts/accuracy", AccuracyView.as_view()),
    path("forecasts/tree", TreeView.as_view()),
    path("forecasts/pins", PinsView.as_view()),
    path("forecasts/pins/<int:pk>/lift", LiftPin.as_view()),
]
