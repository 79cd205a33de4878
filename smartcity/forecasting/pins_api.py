# SPDX-License-Identifier: Apache-2.0
"""REST: forecasts pinned to a method by a person: listed, placed, lifted."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import declared
from smartcity.api import errors
from smartcity.api.access import Scope
from smartcity.api.audit import actor
from smartcity.api.views import OPERATE, VIEW, CityView
from smartcity.forecasting import board, pins
from smartcity.forecasting.models import Pin
from smartcity.kernel.clock import clock
from smartcity.telemetry.api import visible_series


class Wish(serializers.Serializer[Any]):
    """Either `series`, or `metric` and `kind`."""

    series = serializers.IntegerField(required=False, min_value=1)
    metric = serializers.CharField(max_length=80, required=False)
    kind = serializers.CharField(max_length=40, required=False)
    method = serializers.CharField(max_length=40)
    reason = serializers.CharField(max_length=500)


class Why(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class PinsView(CityView):
    """Those that hold; POST pins a series, or all of a metric and kind, to one method."""

    needs = {"GET": VIEW, "POST": OPERATE}

    @extend_schema(operation_id="forecast_pins", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        reach = self.reach(request)
        rows = Pin.objects.filter(lifted_at=None).select_related("series__device__asset__zone").order_by("-since")
        return Response({"results": [shown(row) for row in rows if _touches(reach, row)]})

    @extend_schema(operation_id="pin_forecast", request=Wish, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        body = Wish(data=request.data)
        body.is_valid(raise_exception=True)
        wish = dict(body.validated_data)
        metric, kind = _within(request, self.reach(request), wish)
        try:
            pin = pins.place(
                metric,
                kind,
                series=wish.get("series"),
                method=wish["method"],
                reason=wish["reason"],
                by=actor(request),
                now_ms=clock.now_ms(),
            )
        except pins.Refused as no:
            raise errors.Conflict(str(no)) from None
        return Response(shown(pin), status=201)


class LiftPin(CityView):
    """Leave the series to its backtest again."""

    needs = {"POST": OPERATE}

    @extend_schema(operation_id="lift_forecast_pin", request=Why, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        body = Why(data=request.data)
        body.is_valid(raise_exception=True)
        pin = Pin.objects.filter(pk=pk).select_related("series__device__asset__zone").first()
        if pin is None or not _covers(self.reach(request), pin):
            raise NotFound("There is no such pin that you may lift.")
        try:
            lifted = pins.lift(pin, by=actor(request), reason=body.validated_data["reason"], now_ms=clock.now_ms())
        except pins.Refused as no:
            raise errors.Conflict(str(no)) from None
        return Response(shown(lifted))


def shown(pin: Pin) -> dict[str, Any]:
    plain = {name: getattr(pin, name) for name in ("id", "metric", "kind", "method", "reason", "owner", "since")}
    lifted = {"lifted_at": pin.lifted_at, "lifted_by": pin.lifted_by}
    asset = pin.series.device.asset.uid if pin.series else None
    return {**plain, "series": pin.series_id, "asset": asset, "title": board.title_of(pin.method), **lifted}


def _within(request: Request, reach: Scope, wish: dict[str, Any]) -> tuple[str, str]:
    """Metric and kind of what the wish is about. Raises NotFound where the caller may not operate it."""
    if "series" in wish:
        series, _ = visible_series(request, wish["series"])
        asset = series.device.asset
        if not reach.allows(asset.domain, asset.zone.code):
            raise Http404("There is no such series that you may operate.")
        return series.metric, asset.kind
    if not {"metric", "kind"} <= set(wish):
        raise ValidationError({"series": "Give a series, or a metric and a kind."})
    targets = [target for target in declared.targets() if target.metric == wish["metric"]]
    if not any(not target.kinds or wish["kind"] in target.kinds for target in targets):
        raise ValidationError({"metric": f"{wish['metric']} of {wish['kind']} is not foreseen."})
    if not reach.allows(_domain(wish["metric"]), ""):
        raise NotFound("All of a kind are in every zone, and you may not operate it in all of them.")
    return wish["metric"], wish["kind"]


def _covers(reach: Scope, pin: Pin) -> bool:
    if pin.series is None:
        return reach.allows(_domain(pin.metric), "")
    asset = pin.series.device.asset
    return reach.allows(asset.domain, asset.zone.code)


def _touches(reach: Scope, pin: Pin) -> bool:
    return reach.touches(_domain(pin.metric)) if pin.series is None else _covers(reach, pin)


def _domain(metric: str) -> str:
    return metric.partition(".")[0]
