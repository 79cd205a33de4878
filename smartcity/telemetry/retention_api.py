# SPDX-License-Identifier: Apache-2.0
"""REST: what retention has deleted and when, and the legal holds it respects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.audit import actor
from smartcity.api.models import ApiToken
from smartcity.api.views import HOLD, VIEW, CityView, instant, moment, whole
from smartcity.devices.models import LegalHold
from smartcity.telemetry import holds, retention
from smartcity.telemetry.holds import BadHold, Wanted


class NewHold(serializers.Serializer[Any]):
    """What is named narrows it; a hold that names no domain, zone or series is on everything of its span."""

    owner = serializers.CharField(max_length=150)
    reason = serializers.CharField(max_length=500)
    from_at = serializers.CharField(max_length=40)
    to_at = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    domain = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    zone = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    series = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False, max_length=10_000)


class Because(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class RetentionView(CityView):
    """Each run, the newest first: what went, and what had had its day but was held (`kept`)."""

    needs = {"GET": VIEW}

    @extend_schema(
        operation_id="retention",
        responses=OpenApiTypes.OBJECT,
        parameters=[OpenApiParameter("limit", int, description="At most 500")],
    )
    def get(self, request: Request) -> Response:
        return Response({"results": retention.runs(whole(request, "limit", 30, 500))})


class HoldsView(CityView):
    """Holds within reach, the newest first, lifted ones too; POST sets one."""

    needs = {"GET": HOLD, "POST": HOLD}

    @extend_schema(operation_id="holds", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        reach = self.reach(request)
        return Response([holds.shape(row) for row in LegalHold.objects.order_by("-pk") if holds.within(row, reach)])

    @extend_schema(operation_id="set_hold", request=NewHold, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        _refuse_keys(request)
        wish = _read(NewHold, request)
        wish["from_at"] = moment(instant(wish["from_at"], "from_at"))
        wish["to_at"] = moment(instant(wish["to_at"], "to_at")) if wish["to_at"] else None
        made = _answered(lambda: holds.set_hold(Wanted(**wish), actor(request), self.reach(request)))
        return Response(holds.shape(made), status=201)


class LiftView(CityView):
    """End a hold: what it has kept goes with the next retention."""

    needs = {"POST": HOLD}

    @extend_schema(operation_id="lift_hold", request=Because, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, number: int) -> Response:
        _refuse_keys(request)
        reason = _read(Because, request)["reason"]
        return Response(holds.shape(_answered(lambda: holds.lift(number, reason, actor(request), self.reach(request)))))


def _refuse_keys(request: Request) -> None:
    if isinstance(request.auth, ApiToken):
        raise PermissionDenied("A person answers for a legal hold: sign in, a key cannot set or lift one.")


def _read(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = kind(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _answered(action: Callable[[], LegalHold]) -> LegalHold:
    try:
        return action()
    except BadHold as no:
        raise ValidationError({"hold": str(no)}) from None


urlpatterns = [
    path("retention/", RetentionView.as_view()),
    path("holds/", HoldsView.as_view()),
    path("holds/<int:number>/lift", LiftView.as_view()),
]
