# SPDX-License-Identifier: Apache-2.0
"""REST for crews: the round, and a word about a stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.audit import actor
from smartcity.api.errors import Conflict
from smartcity.api.views import CREW, CityView
from waste import crew
from waste.models import Container, StopReport, Truck

LONGEST_WAIT_S = 12 * 3600.0


class TapSerializer(serializers.Serializer[Any]):
    """`id` is made on the phone; `ago_s` says how many seconds ago the button was pressed."""

    id = serializers.UUIDField()
    container = serializers.CharField(max_length=64)
    outcome = serializers.ChoiceField(choices=StopReport.Outcome.choices)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    ago_s = serializers.FloatField(min_value=0, max_value=LONGEST_WAIT_S, required=False, default=0.0)


class _OfTruck(CityView):
    """Answers 404 for a truck out of the caller's reach: whoever may not work it need not know it."""

    needs: Mapping[str, str] = {"GET": CREW, "POST": CREW}

    def lorry(self, request: Request, uid: str) -> Truck:
        found = crew.truck(uid, self.reach(request))
        if found is None:
            raise NotFound("There is no such truck, or your account may not work it.")
        return found


class RoundView(_OfTruck):
    """What one crew has before it and behind it."""

    @extend_schema(operation_id="waste_round", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, uid: str) -> Response:
        return Response(crew.round_of(self.lorry(request, uid)))


class ReportsView(_OfTruck):
    """Done, blocked or overfull; sending the same id again changes nothing."""

    needs: Mapping[str, str] = {"POST": CREW}

    @extend_schema(operation_id="waste_report", request=TapSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, uid: str) -> Response:
        lorry = self.lorry(request, uid)
        given = TapSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        tap = crew.Tap(**given.validated_data)
        container = Container.objects.filter(self.reach(request).where(), uid=tap.container).first()
        if container is None:
            raise NotFound("There is no such container, or your account may not work it.")
        row, is_new = crew.report(lorry, container, tap, actor(request))
        if (row.truck_id, row.container_id, row.outcome) != (lorry.pk, container.pk, tap.outcome):
            raise Conflict("This id was used for another report.")
        return Response({"id": str(row.pk), "outcome": row.outcome, "new": is_new}, status=201 if is_new else 200)


ROUTES = [
    path("crew/<str:uid>", RoundView.as_view()),
    path("crew/<str:uid>/reports", ReportsView.as_view()),
]
