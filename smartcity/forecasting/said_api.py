# SPDX-License-Identifier: Apache-2.0
"""REST: what was said a day or a week ago beside what came, and forecasts as issued as a file."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.views import CityView, span
from smartcity.forecasting import board, carried, read
from smartcity.forecasting.said import AGO_MS, Said, said
from smartcity.kernel.clock import clock
from smartcity.telemetry.api import visible_series

LONGEST_S = 61 * 86_400.0
KINDS = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


class NotInstalled(APIException):
    status_code = 501
    default_code = "not_installed"


class SaidView(CityView):
    """Points are [at, median, low 80 %, high 80 %, what came or null]; errors are in the metric's unit."""

    @extend_schema(
        operation_id="forecast_said",
        responses=OpenApiTypes.OBJECT,
        parameters=[OpenApiParameter("ago", str, enum=list(AGO_MS), description="Default: day")],
    )
    def get(self, request: Request, series_id: int) -> Response:
        series, metric = visible_series(request, series_id)
        ago = request.query_params.get("ago", "day")
        if ago not in AGO_MS:
            raise ValidationError({"ago": f"Choose one of {', '.join(AGO_MS)}."})
        target = read.target_of(series)
        found = said(series_id, target, ago, clock.now_ms()) if target else None
        head = {"series": series_id, "metric": metric.name, "unit": metric.unit, "ago": ago}
        return Response(head | (_said(found, metric.unit) if found else _nothing(ago, foreseen=target is not None)))


def _nothing(ago: str, *, foreseen: bool) -> dict[str, Any]:
    words = f"No forecast of a {ago} ago is kept." if foreseen else read.NOT_FORESEEN
    return {"points": [], "n": 0, "mae": None, "coverage80": None, "words": words}


def _said(found: Said, unit: str) -> dict[str, Any]:
    one, measured = found.forecast, found.measured
    bands = np.stack([one.at(level) for level in (0.5, 0.1, 0.9)]).round(4).T.tolist()
    came = [None if np.isnan(value) else round(float(value), 4) for value in found.came]
    points = [[at, *band, value] for at, band, value in zip(one.instants_ms, bands, came, strict=True)]
    return {
        "issued_at": one.issued_at_ms,
        "method": one.method,
        "title": board.title_of(one.method),
        "step_s": one.step_s,
        "points": points,
        "n": measured.n if measured else 0,
        "mae": measured.mae if measured else None,
        "coverage80": measured.inside80 / measured.n if measured else None,
        "words": _words(found, unit),
    }


def _words(found: Said, unit: str) -> str:
    if (measured := found.measured) is None:
        return "Nothing of it has come yet."
    off = f"Off by {read.short(measured.mae)} {unit}".rstrip(" 1")
    way = "more" if measured.bias > 0 else "less"
    lean = f", {way} came than was said" if abs(measured.bias) > measured.mae / 2 else ""
    return f"{off} on average{lean}; {measured.inside80:,} of {measured.n:,} values came inside its 80 % band."


class ForecastFile(CityView):
    """The forecast in force with all its quantiles, or all that are kept of a span; a row for each step."""

    @extend_schema(
        operation_id="forecast_file",
        responses=OpenApiTypes.BINARY,
        parameters=[
            OpenApiParameter("as", str, enum=list(KINDS), description="Default: csv"),
            OpenApiParameter("from", str, description="All issued since then that are kept: ms or ISO 8601"),
            OpenApiParameter("to", str, description="Default: now, city time"),
        ],
    )
    def get(self, request: Request, series_id: int) -> HttpResponse:
        series, metric = visible_series(request, series_id)
        kind = request.query_params.get("as", "csv")
        if kind not in KINDS:
            raise ValidationError({"as": f"Choose one of {', '.join(KINDS)}."})
        if {"from", "to"} & set(request.query_params):
            forecasts = read.issued_between(series_id, *span(request, clock.now_ms(), 86_400.0, LONGEST_S))
        else:
            newest = read.newest(series_id)
            forecasts = [newest] if newest else []
        label = carried.Label(series.device.uid, metric.name, metric.unit, clock.mode)
        try:
            body = carried.as_csv(label, forecasts) if kind == "csv" else carried.as_parquet(label, forecasts)
        except carried.NoParquet as no:
            raise NotInstalled(str(no)) from None
        mark = [clock.mode] if clock.is_simulation else []
        name = "-".join([*mark, series.device.uid, metric.name, "forecast"])
        headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
        if clock.is_simulation:
            headers["X-City-Mode"] = clock.mode
        return HttpResponse(body, content_type=KINDS[kind], headers=headers)
