# SPDX-License-Identifier: Apache-2.0
"""REST: what devices said that could not be stored, newest first, with the reason. For who may see personal data."""

from __future__ import annotations

import base64
from typing import Any

from django.db import connections
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.access import EVERYWHERE, Scope
from smartcity.api.views import PERSONAL, CityView, whole
from smartcity.devices.models import Device
from smartcity.telemetry import read
from smartcity.telemetry.dialect import among, many
from smartcity.telemetry.quarantine import COLUMNS

NAMES = ("id", *COLUMNS, "surplus")


class QuarantineView(CityView):
    """`readings` 0 is a message nobody could read; `surplus` were counted on the row when its device was over its cap.

    A message that came from no registered device is shown to those who may see the whole city.
    """

    needs = {"GET": PERSONAL}

    @extend_schema(
        operation_id="quarantine",
        responses=OpenApiTypes.OBJECT,
        parameters=[
            OpenApiParameter("device", str, description="A device's uid"),
            OpenApiParameter("kind", str, description="For example: bad payload, unit mismatch, future"),
            OpenApiParameter("before", int, description="Ids below this one: the last id of the page before"),
            OpenApiParameter("limit", int, description="At most 500"),
        ],
    )
    def get(self, request: Request) -> Response:
        asked = {name: request.query_params[name] for name in ("device", "kind") if request.query_params.get(name)}
        limit = whole(request, "limit", 100, 500)
        found = _rows(asked, whole(request, "before", 2**62, 2**62), limit, self.reach(request))
        return Response({"results": [_shape(row) for row in found], "more": len(found) == limit})


def _rows(asked: dict[str, str], before: int, limit: int, scope: Scope) -> list[dict[str, Any]]:
    """Two queries."""
    vendor = connections[read.ALIAS].vendor
    conditions: list[str] = ["id < %s"]
    given: list[Any] = [before]
    for name, column in (("device", "uid"), ("kind", "kind")):
        if name in asked:
            conditions.append(f"{column} = %s")
            given.append(asked[name])
    if not EVERYWHERE.pairs <= scope.pairs:
        mine = Device.objects.filter(scope.where("asset__domain", "asset__zone__code")).values_list("pk", flat=True)
        conditions.append(among(vendor, "device"))
        given.append(many(vendor, mine))
    sql = f"SELECT {', '.join(NAMES)} FROM quarantine WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT %s"
    with connections[read.ALIAS].cursor() as cursor:
        cursor.execute(sql, [*given, limit])
        return [dict(zip(NAMES, row, strict=True)) for row in cursor.fetchall()]


def _shape(row: dict[str, Any]) -> dict[str, Any]:
    """The payload as text where it is text, else as Base64."""
    payload = bytes(row.pop("payload"))
    row["device"] = row.pop("uid")
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and (text or not payload):
        return row | {"payload": text}
    return row | {"payload_base64": base64.b64encode(payload).decode()}


urlpatterns = [path("quarantine/", QuarantineView.as_view())]
