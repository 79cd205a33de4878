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
from smartcity.forecasting import board, carried, read
from smartcity.forecasting.board_api import AccuracyView
from smartcity.forecasting.cards_api import ApproveCard, CardsView, CardView
from smartcity.forecasting.champions_api import KindMethodsView, MethodsView
from smartcity.forecasting.events_api import CancelEvent, EventsView, EventView
from smartcity.forecasting.forecast import Forecast
from smartcity.forecasting.insight_api import ChancesView, PartsView, WhatIfView
from smartcity.forecasting.pins_api import LiftPin, PinsView
from smartcity.forecasting.said_api import ForecastFile, SaidView
from smartcity.forecasting.tree_api import TreeView
from smartcity.kernel.clock import clock
from smartcity.telemetry.api import visible_series

DAY_MS = 86_400_000
BANDS = {"50": (0.25, 0.75), "95": (0.025, 0.975)}


class ForecastView(CityView):
    """The forecast in force, or with `at` the one that stood then; points are [at, median, low 80 %, high 80 %].

    `bands` has [low, high] for each point of those other bands that the forecast states.
    """

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
        head = {"series": series_id, "metric": series.metric, "unit": metric.unit, "parquet": carried.may_parquet()}
        if found is None:
            return Response(head | {"points": [], "yesterday": [], "record": _record(record, read.NOT_FORESEEN)})
        said = " ".join(part for part in (found.note, record.words(metric.unit) if found.horizon_steps else "") if part)
        return Response(
            head
            | {"issued_at": found.issued_at_ms, "method": found.method, "basis": found.basis, "step_s": found.step_s}
            | {"title": board.title_of(found.method), "points": _points(found), "bands": _bands(found)}
            | {"record": _record(record, said)}
            | {"yesterday": _yesterday(series_id, found.issued_at_ms, now_ms)}
        )


def _points(forecast: Forecast) -> list[list[float]]:
    if forecast.is_empty:
        return []
    bands = zip(*(forecast.at(level).round(4).tolist() for level in (0.5, 0.1, 0.9)), strict=True)
    return [[at, *band] for at, band in zip(forecast.instants_ms, bands, strict=True)]


def _bands(forecast: Forecast) -> dict[str, list[list[float]]]:
    """Only what lies within the levels it was issued with: beyond them nothing was said."""
    stated = {
        name: ends
        for name, ends in BANDS.items()
        if forecast.levels and forecast.levels[0] <= ends[0] and ends[1] <= forecast.levels[-1]
    }
    return {
        name: [list(pair) for pair in zip(*(forecast.at(end).round(4).tolist() for end in ends), strict=True)]
        for name, ends in stated.items()
    }


def _yesterday(series_id: int, issued_ms: int, now_ms: int) -> list[list[float]]:
    """What the forecast of a day before said, as far as it can be compared with what came."""
    before = read.as_issued(series_id, issued_ms - DAY_MS)
    if before is None or before.is_empty:
        return []
    medians = zip(before.instants_ms, before.median.round(4).tolist(), strict=True)
    return [[at, value] for at, value in medians if at < now_ms]


def _record(record: read.Record, words: str) -> dict[str, Any]:
    plain = ("n", "mae", "skill", "coverage80", "coverage95")
    return {"words": words} | {name: getattr(record, name) for name in plain}


urlpatterns = [
    path("series/<int:series_id>/forecast", ForecastView.as_view()),
    path("series/<int:series_id>/forecast/said", SaidView.as_view()),
    path("series/<int:series_id>/forecast/file", ForecastFile.as_view()),
    path("series/<int:series_id>/forecast/parts", PartsView.as_view()),
    path("series/<int:series_id>/forecast/chances", ChancesView.as_view()),
    path("series/<int:series_id>/forecast/what-if", WhatIfView.as_view()),
    path("series/<int:series_id>/forecast/methods", MethodsView.as_view()),
    path("forecasts/accuracy", AccuracyView.as_view()),
    path("forecasts/events", EventsView.as_view()),
    path("forecasts/events/<int:pk>", EventView.as_view()),
    path("forecasts/events/<int:pk>/cancel", CancelEvent.as_view()),
    path("forecasts/methods", KindMethodsView.as_view()),
    path("forecasts/cards", CardsView.as_view()),
    path("forecasts/cards/<str:metric>/<str:kind>", CardView.as_view()),
    path("forecasts/cards/<str:metric>/<str:kind>/approve", ApproveCard.as_view()),
    path("forecasts/tree", TreeView.as_view()),
    path("forecasts/pins", PinsView.as_view()),
    path("forecasts/pins/<int:pk>/lift", LiftPin.as_view()),
]
