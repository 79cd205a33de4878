# SPDX-License-Identifier: Apache-2.0
"""REST: which methods foresee a series, or a kind of them, what the last backtest found, and how that has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.views import CityView
from smartcity.forecasting import board, champions, pins, pins_api
from smartcity.forecasting.board_api import visible_to
from smartcity.forecasting.models import Calibration, Champion
from smartcity.telemetry.api import visible_series

LONGEST, NEWEST = 100, 20


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


class KindMethodsView(CityView):
    """Of all series of a metric and kind: the methods' mean shares now, and the newest changes of mind."""

    @extend_schema(
        operation_id="forecast_methods_of_kind",
        responses=OpenApiTypes.OBJECT,
        parameters=[OpenApiParameter("metric", str, required=True), OpenApiParameter("kind", str, required=True)],
    )
    def get(self, request: Request) -> Response:
        wanted = {name: request.query_params.get(name, "") for name in ("metric", "kind")}
        missing = {name: "Say which." for name, value in wanted.items() if not value}
        if missing:
            raise ValidationError(missing)
        visible = visible_to(request)
        means, count = champions.of_kind(visible, **wanted)
        rows = champions.changes(visible, **wanted).order_by("-since")[:NEWEST]
        changed = [{"asset": row.series.device.asset.uid, **_champion(row)} for row in rows]
        return Response({**wanted, "series": count, "methods": _methods(means), "changes": changed})


def _backtest(row: Calibration | None) -> dict[str, Any] | None:
    return None if row is None else {"at": row.made_at, "skill": row.skill, "windows": row.windows}


def _champion(row: Champion) -> dict[str, Any]:
    shares = dict(sorted(row.shares.items(), key=lambda one: -one[1]))
    return {"since": row.since, "skill": row.skill, "methods": _methods(shares)}


def _methods(shares: Mapping[str, float]) -> list[dict[str, Any]]:
    return [{"method": name, "title": board.title_of(name), "share": share} for name, share in shares.items()]
