# SPDX-License-Identifier: Apache-2.0
"""REST: what measured worth is compared with: the baselines that are stored, and another from a measured span."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.audit import actor
from smartcity.api.views import CONFIGURE, VIEW, CityView, ms
from smartcity.control import ledger
from smartcity.control.bodies import OBJECT, Instant, answered, read
from smartcity.control.models import Baseline


class BaselineWish(serializers.Serializer[Any]):
    """`from` and `to` are the span whose measured days become the baseline."""

    domain = serializers.CharField(max_length=40)
    kpi = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=120)
    design = serializers.CharField(max_length=500)
    reason = serializers.CharField(max_length=500)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"from": Instant(), "to": Instant()}


class BaselinesView(CityView):
    """Newest first; the newest of a figure is in force. POST stores another, for who may configure the whole domain."""

    needs = {"GET": VIEW, "POST": CONFIGURE}

    @extend_schema(operation_id="baselines", responses=OBJECT, parameters=[OpenApiParameter("domain", str)])
    def get(self, request: Request) -> Response:
        reach, rows = self.reach(request), Baseline.objects.order_by("-stored_at")
        if "domain" in request.query_params:
            rows = rows.filter(domain=request.query_params["domain"])
        return Response({"results": [_shape(row) for row in rows if reach.touches(row.domain)]})

    @extend_schema(operation_id="store_baseline", request=BaselineWish, responses={201: OBJECT})
    def post(self, request: Request) -> Response:
        wish = read(BaselineWish, request)
        if not self.reach(request).allows(wish["domain"], ""):
            raise PermissionDenied(f"A baseline is of all zones: you may not configure the whole of {wish['domain']}.")
        row = answered(
            lambda: ledger.store_baseline(
                wish["domain"],
                wish["kpi"],
                wish["name"],
                wish["from"],
                wish["to"],
                design=wish["design"],
                reason=wish["reason"],
                by=actor(request),
            )
        )
        return Response(_shape(row), status=201)


def _shape(row: Baseline) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("domain", "kpi", "name", "value", "design", "stored_by")}
    return plain | {"from": ms(row.from_at), "to": ms(row.to_at), "stored_at": ms(row.stored_at)}
