# SPDX-License-Identifier: Apache-2.0
"""REST: what a forecast is made of, how likely it crosses a threshold and when it peaks, and what it would be if."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.views import CityView, instant
from smartcity.devices import time_zone
from smartcity.forecasting import board, chances, insight, limits, parts, whatif
from smartcity.forecasting.insight import InForce
from smartcity.forecasting.series import Array
from smartcity.kernel.clock import clock
from smartcity.telemetry.api import visible_series

HOUR_MS = 3_600_000
CASES = ("warmer", "holiday", "change")
LEAST_PERCENT, MOST_PERCENT, MOST_DEGREES = -100.0, 500.0, 20.0


class PartsView(CityView):
    """Parts of the forecast in force in the metric's unit; those of one instant add up to its median.

    `share` is how much of the forecast's movement a part makes. Where nothing can be taken apart `words` says why.
    """

    @extend_schema(operation_id="forecast_parts", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, series_id: int) -> Response:
        series, metric = visible_series(request, series_id)
        head = {"series": series_id, "metric": metric.name, "unit": metric.unit}
        try:
            found = insight.in_force(series)
            learnt = parts.learn(insight.known(series_id, found), found.target)
        except (insight.Silent, parts.TooShort) as no:
            return Response(head | {"at": [], "parts": [], "words": str(no)})
        each = parts.parts(learnt, found.forecast.median)
        shown = [
            {
                "name": one.name,
                "values": _plain(one.values),
                "share": None if one.share is None else round(one.share, 3),
            }
            for one in each
        ]
        at = found.forecast.instants_ms[: len(each[0].values)]
        return Response(head | {"at": at, "parts": shown, "words": _made_of(found)})


def _made_of(found: InForce) -> str:
    method = board.title_of(found.forecast.method)
    return (
        "Read off the last weeks by a regression on level, day, week and what stands beside the series. "
        f"The forecast itself is by {method}; what it says beyond the regression is the rest."
    )


class ChancesView(CityView):
    """Of the coming day: the chance of each step above a threshold, of one at least, and of each hour to hold the peak.

    `limit` is what a threshold is usually asked for: the contracted capacity, or where the asset's alarm rings.
    """

    @extend_schema(
        operation_id="forecast_chances",
        responses=OpenApiTypes.OBJECT,
        parameters=[OpenApiParameter("above", float, description="Threshold in the metric's unit; default: the limit")],
    )
    def get(self, request: Request, series_id: int) -> Response:
        series, metric = visible_series(request, series_id)
        above = _number(request, "above", None, -math.inf, math.inf)
        now_ms = clock.now_ms()
        head = {"series": series_id, "metric": metric.name, "unit": metric.unit, "limit": None, "above": above}
        try:
            found = insight.in_force(series)
        except insight.Silent as no:
            return Response(head | {"crossing": None, "peak": None, "words": str(no)})
        limit = limits.of(series, found.target, metric)
        above = above if above is not None else limit.value if limit else None
        head |= {"above": above, "limit": {"value": limit.value, "words": limit.words} if limit else None}
        ahead = insight.coming_day(found.forecast, now_ms)
        if ahead.start == ahead.stop:
            return Response(head | {"crossing": None, "peak": None, "words": "The forecast is over."})
        return Response(head | _chances(series_id, found, ahead, above))


def _chances(series_id: int, found: InForce, ahead: slice, above: float | None) -> dict[str, Any]:
    forecast, target = found.forecast, found.target
    alike, judged = insight.persistence(series_id, target)
    values, at = forecast.values[:, ahead], np.asarray(forecast.instants_ms)[ahead]
    drawn = chances.paths(values, forecast.levels, alike, low=target.low, high=target.high)
    hour = at // HOUR_MS - at[0] // HOUR_MS
    held = chances.peak(drawn, hour)
    first, last = chances.likeliest(held.hours)
    starts = [int(at[0] // HOUR_MS + k) * HOUR_MS for k in range(len(held.hours))]
    together = round(float(held.hours[first : last + 1].sum()), 4)
    peak = {
        "hours": [[start, round(float(chance), 4)] for start, chance in zip(starts, held.hours, strict=True)],
        "likeliest": {"from": starts[first], "to": starts[last] + HOUR_MS, "chance": together},
        "height": dict(zip(("low", "median", "high"), held.height, strict=True)),
    }  # fmt: skip
    return {"crossing": _crossing(found, ahead, drawn, above), "peak": peak, "words": _together(alike, judged)}


def _crossing(found: InForce, ahead: slice, drawn: Array, above: float | None) -> dict[str, Any] | None:
    if above is None:
        return None
    forecast = found.forecast
    one = chances.crossing(forecast.values[:, ahead], forecast.levels, drawn, above)
    steps = zip(forecast.instants_ms[ahead], one.steps, strict=True)
    return {
        "steps": [[at, round(float(chance), 4)] for at, chance in steps],
        "once": round(one.once, 4),
        "least": round(one.least, 4),
        "most": round(one.most, 4),
    }


def _together(alike: float, judged: int) -> str:
    rests = f"as in {judged} forecasts that met what came" if judged else "assumed until enough forecasts met what came"
    return (
        f"Each step by its quantiles as issued. Several steps by {chances.PATHS:,} courses in which a step that comes "
        f"high is followed by a high one (correlation {alike:.2f}, {rests})."
    )


class WhatIfView(CityView):
    """The forecast in force as it would be, and the difference with its own 80 % band, both in the metric's unit.

    Points of both are [at, middle, low, high]. Where the series cannot answer there are none, and `words` says why.
    """

    @extend_schema(
        operation_id="forecast_what_if",
        responses=OpenApiTypes.OBJECT,
        parameters=[
            OpenApiParameter("case", str, enum=list(CASES)),
            OpenApiParameter("degrees", float, description="Of the case warmer; default 3"),
            OpenApiParameter("on", str, description="Day of the case holiday, 2026-12-06; default: today"),
            OpenApiParameter("percent", float, description="Of the case change: −30 is 30 % less"),
            OpenApiParameter("from", str, description="Of the case change: milliseconds or ISO 8601"),
            OpenApiParameter("to", str),
        ],
    )
    def get(self, request: Request, series_id: int) -> Response:
        series, metric = visible_series(request, series_id)
        case = request.query_params.get("case", "")
        if case not in CASES:
            raise ValidationError({"case": f"Choose one of {', '.join(CASES)}."})
        head = {"series": series_id, "metric": metric.name, "unit": metric.unit, "case": case}
        try:
            found = insight.in_force(series)
            answer = _answer(request, case, series_id, found)
        except (insight.Silent, parts.TooShort, whatif.CannotSay) as no:
            return Response(head | {"points": [], "difference": [], "words": str(no)})
        at, changed = found.forecast.instants_ms, answer.on(found.forecast, found.target)
        return Response(
            head
            | {"issued_at": found.forecast.issued_at_ms, "step_s": found.forecast.step_s, "words": answer.words}
            | {"points": _banded(at, changed), "difference": _banded(at, answer.values)}
        )


def _answer(request: Request, case: str, series_id: int, found: InForce) -> whatif.Difference:
    if case == "change":
        percent = _number(request, "percent", -30.0, LEAST_PERCENT, MOST_PERCENT)
        span = [instant(request.query_params.get(name, ""), name) for name in ("from", "to")]
        return whatif.change(found.forecast, percent or 0.0, *span)
    degrees = _number(request, "degrees", 3.0, -MOST_DEGREES, MOST_DEGREES)
    day = _day(request)
    panel = insight.known(series_id, found)
    learnt = parts.learn(panel, found.target)
    if case == "warmer":
        return whatif.warmer(learnt, panel, found.target, degrees or 0.0)
    return whatif.holiday(learnt, panel, found.target, day, time_zone.city_zone())


def _number(request: Request, name: str, default: float | None, low: float, high: float) -> float | None:
    text = request.query_params.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        span = "" if math.isinf(low) else f" from {low:g} to {high:g}"
        raise ValidationError({name: f"Write a number{span}."})
    return value


def _day(request: Request) -> date:
    text = request.query_params.get("on", "")
    try:
        return date.fromisoformat(text) if text else clock.now().astimezone(time_zone.city_zone()).date()
    except ValueError:
        raise ValidationError({"on": "Write a day as 2026-12-06."}) from None


def _plain(values: Array) -> list[float]:
    return [float(value) for value in values.round(4)]


def _banded(at: Sequence[int], values: Array) -> list[list[float]]:
    low, middle, high = (_plain(row) for row in values)
    return [list(row) for row in zip(at, middle, low, high, strict=True)]
