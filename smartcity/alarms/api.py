# SPDX-License-Identifier: Apache-2.0
"""REST: alarms to read, acknowledge and shelve; where a browser or a mailbox wants to be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.alarms import handling, subscribing_api
from smartcity.alarms.models import Alarm
from smartcity.alarms.shapes import shape
from smartcity.api.access import Scope
from smartcity.api.audit import actor
from smartcity.api.errors import Conflict
from smartcity.api.views import OPERATE, CityView, instant, moment, whole
from smartcity.kernel.clock import clock

__all__ = ["shape", "urlpatterns"]

OBJECT = OpenApiTypes.OBJECT
STATES: dict[str, Q] = {
    "active": Q(cleared_at=None),
    "unacknowledged": Q(cleared_at=None, acknowledged_at=None, shelved_until=None),
    "shelved": Q(cleared_at=None, shelved_until__isnull=False),
    "cleared": Q(cleared_at__isnull=False),
}
NAMED = {"domain": "domain", "asset": "asset__uid", "zone": "zone__code", "rule": "rule"}
PARAMETERS = [
    OpenApiParameter("state", str, enum=list(STATES), description="active unless said otherwise"),
    *(OpenApiParameter(name, str) for name in (*NAMED, "from", "to")),
    OpenApiParameter("limit", int),
]


class Note(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class Shelf(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=500)
    until = serializers.CharField(max_length=40)


def read(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def alarms_within(reach: Scope) -> QuerySet[Alarm]:
    return Alarm.objects.filter(reach.where()).select_related("asset", "zone")


class AlarmsView(CityView):
    """Worst first, then newest."""

    @extend_schema(operation_id="alarms", responses=OBJECT, parameters=PARAMETERS)
    def get(self, request: Request) -> Response:
        asked = request.query_params
        state = asked.get("state", "active")
        if state not in STATES:
            raise ValidationError({"state": f"Write one of {', '.join(STATES)}."})
        rows = alarms_within(self.reach(request)).filter(STATES[state])
        rows = rows.filter(**{lookup: asked[name] for name, lookup in NAMED.items() if name in asked})
        for name, lookup in (("from", "raised_at__gte"), ("to", "raised_at__lt")):
            if name in asked:
                rows = rows.filter(**{lookup: moment(instant(asked[name], name))})
        order = ("-cleared_at",) if state == "cleared" else ("severity", "-raised_at")
        return Response(
            {"results": [shape(row) for row in rows.order_by(*order)[: whole(request, "limit", 200, 1000)]]}
        )


class AlarmView(CityView):
    """One alarm with its cause, its consequence and what to do."""

    @extend_schema(operation_id="alarm", responses=OBJECT)
    def get(self, request: Request, pk: int) -> Response:
        row = alarms_within(self.reach(request)).filter(pk=pk).first()
        if row is None:
            raise NotFound("There is no such alarm.")
        return Response(shape(row))


class Handle(CityView):
    """What a person does about one alarm within reach."""

    needs = {"POST": OPERATE}

    def done(self, request: Request, pk: int, action: Callable[[], Alarm]) -> Response:
        if not alarms_within(self.reach(request)).filter(pk=pk).exists():
            raise NotFound("There is no such alarm that you may operate.")
        try:
            return Response(shape(action()))
        except handling.Contradicted as no:
            raise Conflict(no.message) from None
        except handling.Refused as no:
            raise ValidationError({no.field: no.message}) from None


class Acknowledge(Handle):
    @extend_schema(operation_id="acknowledge_alarm", request=Note, responses=OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        note = read(Note, request)["note"]
        by = actor(request)
        return self.done(request, pk, lambda: handling.acknowledge(pk, by=by, note=note, now_ms=clock.now_ms()))


class Shelve(Handle):
    @extend_schema(operation_id="shelve_alarm", request=Shelf, responses=OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        wish = read(Shelf, request)
        by, until_ms, now_ms = actor(request), instant(wish["until"], "until"), clock.now_ms()
        return self.done(
            request, pk, lambda: handling.shelve(pk, by=by, reason=wish["note"], until_ms=until_ms, now_ms=now_ms)
        )


class Unshelve(Handle):
    @extend_schema(operation_id="unshelve_alarm", request=Note, responses=OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        note = read(Note, request)["note"]
        by = actor(request)
        return self.done(request, pk, lambda: handling.unshelve(pk, by=by, reason=note, now_ms=clock.now_ms()))


urlpatterns = [
    path("alarms/", AlarmsView.as_view()),
    path("alarms/<int:pk>", AlarmView.as_view()),
    path("alarms/<int:pk>/acknowledge", Acknowledge.as_view()),
    path("alarms/<int:pk>/shelve", Shelve.as_view()),
    path("alarms/<int:pk>/unshelve", Unshelve.as_view()),
    *subscribing_api.urlpatterns,
]
