# SPDX-License-Identifier: Apache-2.0
"""REST: which methods foresee a series, what the last backtest found, and how that has changed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.views import CityView
from smartcity.forecasting import board, pins, pins_api
from smartcity.forecasting.models import Calibration, Champion
from smartcity.telemetry.api import visible_series

LONGEST = 100


class MethodsView(CityView):
    """`champions`, newest first: a row for each time a backtest changed its mind, with the methods' mean shares.

    `skill` is 1 − quantile loss / that of seasonal naive over the backtest, `windows` the origins it was tried at.
    """

    @extend_schema(operation_id="forecast_methods", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, series_id: int) -> Response:
        series, metric = visible_series(request, series_id)
        rows = Champion.objects.filter(series_id=series_id).order_by("-since")[:LONGEST]
        return Response(
            {
                "series": series_id,
                "metric": metric.name,
                "backtest": _backtest(Calibration.objects.filter(series_id=series_id).first()),
                "pin": pins_api.shown(pin) if (pin := pins.of(series)) else None,
                "champions": [_champion(row) for row in rows],
            }
        )


def _backtest(row: Calibration | None) -> dict[str, Any] | None:
    return None if row is None else {"at": row.made_at, "skill": row.skill, "windows": row.windows}


def _champion(row: Champion) -> dict[str, Any]:
    shares = sorted(row.shares.items(), key=lambda one: -one[1])
    methods = [{"method": name, "title": board.title_of(name), "share": share} for name, share in shares]
    return {"since": row.since, "skill": row.skill, "methods": methods}
