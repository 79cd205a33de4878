# SPDX-License-Identifier: Apache-2.0
"""REST: timing sheets. They are compared, signed and withdrawn where all engineering data are, under engineering/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.access import Action, scope
from smartcity.api.audit import actor
from smartcity.api.errors import Conflict
from smartcity.api.views import CONFIGURE, VIEW, CityView, whole
from smartcity.devices.provisioning import Taken
from traffic import sheets
from traffic.engineering.announced import NotAnnounced
from traffic.engineering.shape import BadSheet, read, write
from traffic.engineering.sheet import Sheet
from traffic.models import Intersection

MOST_VERSIONS = 2_000_000_000


class Held(serializers.Serializer[Any]):
    sheet = serializers.DictField()


class Drawn(Held):
    """`after` is the version it was made from, 0 for none: another saved since then is not overwritten unseen."""

    basis = serializers.CharField(max_length=200)
    after = serializers.IntegerField(min_value=0)


class _OfIntersection(CityView):
    """Answers 404 for an intersection out of the caller's reach."""

    def place(self, request: Request, uid: str) -> Intersection:
        found = sheets.intersection(uid, self.reach(request))
        if found is None:
            raise NotFound(f"There is no intersection {uid} that you may {self.needs[request.method or 'GET']}.")
        return found


class SheetView(_OfIntersection):
    """The sheet of an intersection with its versions and findings; POST saves a draft, which waits for a signature."""

    needs: Mapping[str, str] = {"GET": VIEW, "POST": CONFIGURE}

    @extend_schema(
        operation_id="timing_sheet", responses=OpenApiTypes.OBJECT, parameters=[OpenApiParameter("version", int)]
    )
    def get(self, request: Request, uid: str) -> Response:
        place = self.place(request, uid)
        number = whole(request, "version", 1, MOST_VERSIONS) if "version" in request.query_params else None
        found = sheets.shown(place, number)
        if number and found["version"] is None:
            raise NotFound(f"{uid} has no version {number}.")
        may = scope(request.user, Action.CONFIGURE).allows(place.domain, place.zone.code)
        return Response(found | {"may_configure": may})

    @extend_schema(operation_id="save_timing_sheet", request=Drawn, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request, uid: str) -> Response:
        place = self.place(request, uid)
        body = Drawn(data=request.data)
        body.is_valid(raise_exception=True)
        wish, sheet = body.validated_data, _sheet(request, place)
        try:
            row = sheets.save(place, sheet, wish["basis"], actor(request), after=wish["after"])
        except Taken as no:
            raise Conflict(str(no)) from None
        return Response({"version": row.version, **sheets.judged(sheet)}, status=201)


class Check(_OfIntersection):
    """What is wrong with a sheet; nothing is stored."""

    needs: Mapping[str, str] = {"POST": VIEW}

    @extend_schema(operation_id="check_timing_sheet", request=Held, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, uid: str) -> Response:
        return Response(sheets.judged(_sheet(request, self.place(request, uid))))


class FromCabinet(_OfIntersection):
    """A draft from what the cabinet announces now; nothing is stored."""

    @extend_schema(operation_id="announced_timing_sheet", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, uid: str) -> Response:
        try:
            sheet = sheets.announced(self.place(request, uid))
        except NotAnnounced as lacking:
            raise NotFound(str(lacking)) from None
        return Response({"sheet": write(sheet), **sheets.judged(sheet)})


def _sheet(request: Request, place: Intersection) -> Sheet:
    body = Held(data=request.data)
    body.is_valid(raise_exception=True)
    try:
        sheet = read(body.validated_data["sheet"])
    except BadSheet as problem:
        raise ValidationError({"sheet": f"{problem}."}) from None
    if sheet.intersection != place.uid:
        raise ValidationError({"sheet": f"This is the sheet of {sheet.intersection or 'no intersection'}."})
    return sheet


ROUTES = [
    path("sheets/<str:uid>", SheetView.as_view()),
    path("sheets/<str:uid>/check", Check.as_view()),
    path("sheets/<str:uid>/announced", FromCabinet.as_view()),
]
