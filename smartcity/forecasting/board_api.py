# SPDX-License-Identifier: Apache-2.0
"""REST: the accuracy board, of what the caller may see."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import Q
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import declared
from smartcity.api.access import Action, scope
from smartcity.api.views import CityView
from smartcity.forecasting import board
from smartcity.forecasting.board_words import band_word, drift_words, in_words
from smartcity.forecasting.methods import METHODS
from smartcity.forecasting.read import RECENT_MS
from smartcity.kernel.clock import clock
from smartcity.kernel.metrics import DataClass

OF_ASSET = (f"{board.ASSET}__domain", f"{board.ASSET}__zone__code")


class AccuracyView(CityView):
    """How forecasts of the last four weeks did: a line per domain, metric and kind, and the worst twenty series.

    `drifting`: series whose forecasts have become worse, since when and by how much.

    Errors and biases are in `unit`, the other figures have none; `waiting` says when the first score of a kind comes;
    `methods` are those there are, and `may_pin` whether the caller may pin a series to one anywhere, on a line whether
    all series of its kind.
    """

    @extend_schema(
        operation_id="forecast_accuracy",
        responses=OpenApiTypes.OBJECT,
        parameters=[OpenApiParameter("domain", str, description="Of this domain only")],
    )
    def get(self, request: Request) -> Response:
        visible, now_ms = visible_to(request), clock.now_ms()
        if "domain" in request.query_params:
            visible &= Q(**{OF_ASSET[0]: request.query_params["domain"]})
        lines = board.lines(visible, now_ms)
        scored, operates = {line.of for line in lines}, scope(request.user, Action.OPERATE)
        return Response(
            {
                "from": now_ms - RECENT_MS,
                "to": now_ms,
                "lines": [_line(line) | {"may_pin": operates.allows(line.of.domain, "")} for line in lines],
                "drifting": [_drifting(one) for one in board.drifting(visible)],
                "worst": [_worst(one) for one in board.worst(visible, now_ms)],
                "methods": [_method(name) for name in METHODS],
                "may_pin": not operates.is_empty,
                "waiting": [_waiting(one) for one in board.waiting(visible) if one.of not in scored],
            }
        )


def visible_to(request: Request) -> Q:
    """Which scores and forecasts the caller may see: those of a series he may see; personal ones need their grant."""
    personal = [name for name, metric in declared.metrics().items() if metric.data_class is DataClass.PERSONAL]
    found = scope(request.user, Action.VIEW).where(*OF_ASSET)
    if not personal:
        return found
    own = Q(series__metric__in=personal)
    return (found & ~own) | (scope(request.user, Action.PERSONAL).where(*OF_ASSET) & own)


def _line(line: board.Line) -> dict[str, Any]:
    return {
        **_of(line.of),
        "series": line.series,
        "forecasts": line.forecasts,
        **_figures(line.whole, _unit(line.of)),
        "first_day": _figures(line.first, _unit(line.of)) if line.first else None,
        "later_days": _figures(line.later, _unit(line.of)) if line.later else None,
        "methods": [{**_method(name), "share": share} for name, share in line.methods],
    }


def _worst(one: board.Worst) -> dict[str, Any]:
    head = {"asset": one.asset, "name": one.name, **_of(one.of), "series": one.series, "forecasts": one.forecasts}
    return {**head, **_figures(one.figures, _unit(one.of)), "method": _method(one.method) if one.method else None}


def _drifting(one: board.Drifting) -> dict[str, Any]:
    words = drift_words(one.what, one.before, one.after)
    return {
        "asset": one.asset,
        "name": one.name,
        **_of(one.of),
        "series": one.series,
        "since": one.since_ms,
        "words": words,
    }


def _waiting(one: board.Waiting) -> dict[str, Any]:
    return {**_of(one.of), "series": one.series, "first_at": one.first_at_ms}


def _of(of: board.Kind) -> dict[str, str]:
    metric = declared.metrics().get(of.metric)
    return {**asdict(of), "title": metric.title if metric else of.metric, "unit": _unit(of)}


def _unit(of: board.Kind) -> str:
    metric = declared.metrics().get(of.metric)
    return metric.unit if metric else ""


def _figures(figures: board.Figures, unit: str) -> dict[str, Any]:
    bands = {"band80": band_word(figures.coverage80, "80"), "band95": band_word(figures.coverage95, "95")}
    return {**asdict(figures), **bands, "words": in_words(figures, unit)}


def _method(name: str) -> dict[str, str]:
    return {"method": name, "title": board.title_of(name)}
