# SPDX-License-Identifier: Apache-2.0
"""REST: what devices said that could not be stored, newest first, with the reason; a body has its own permission."""

from __future__ import annotations

import base64
from typing import Any, Final

from django.db import connections, transaction
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.access import EVERYWHERE, Scope
from smartcity.api.audit import actor, record
from smartcity.api.views import PERSONAL, QUARANTINE, CityView, whole
from smartcity.devices.models import Device
from smartcity.telemetry import cipher, quarantine, read
from smartcity.telemetry.dialect import among, many
from smartcity.telemetry.quarantine import BODY, SHOWN

MOST: Final = 2**63 - 1  # what a database can look for; no id comes near it


class QuarantineView(CityView):
    """`readings` 0 is a message nobody could read; `surplus` were counted on the row when its device was over its cap.
    `size` and `digest` (SHA-256) are those of the body, also where `is_kept` says that it was not kept.

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
        names = (("device", "uid"), ("kind", "kind"))
        asked = [(f"{column} = %s", text) for name, column in names if (text := request.query_params.get(name))]
        limit = whole(request, "limit", 100, 500)
        conditions = [("id < %s", whole(request, "before", 2**62, 2**62)), *asked]
        found = _rows((*SHOWN, "length(payload)"), conditions, limit, self.reach(request))
        return Response({"results": [_shape(row) for row in found], "more": len(found) == limit})


class BodyView(CityView):
    """What a quarantined message says: `payload` where it is text, else `payload_base64`. Each reading is audited."""

    needs = {"GET": QUARANTINE}

    @extend_schema(
        operation_id="quarantine_body",
        responses=OpenApiTypes.OBJECT,
        parameters=[OpenApiParameter("reason", str, description="Why it is read; stands in the audit")],
    )
    def get(self, request: Request, number: int) -> Response:
        found = _rows((*SHOWN, *BODY), [("id = %s", min(number, MOST))], 1, self.reach(request))
        if not found:
            raise NotFound("There is no such message in quarantine.")
        row = found[0]
        body = _body(row)
        subject, reason = f"quarantine {number} of {row['uid']}", request.query_params.get("reason", "")
        with transaction.atomic():
            record(actor(request), "read quarantined body", subject, after={"digest": row["digest"]}, reason=reason)
        return Response({"id": number, "size": row["size"], "digest": row["digest"]} | _text(body))


def _body(row: dict[str, Any]) -> bytes:
    try:
        body = quarantine.body(row["payload"], row["encrypted"])
    except cipher.Locked as problem:
        raise NotFound(str(problem)) from None
    if body is None:
        raise NotFound("The body of this message was not kept; its size and digest are in the list.")
    return body


def _rows(names: tuple[str, ...], conditions: list[tuple[str, Any]], limit: int, scope: Scope) -> list[dict[str, Any]]:
    """Two queries. `conditions` are pairs of SQL and its parameter."""
    vendor = connections[read.ALIAS].vendor
    if not EVERYWHERE.pairs <= scope.pairs:
        mine = Device.objects.filter(scope.where("asset__domain", "asset__zone__code")).values_list("pk", flat=True)
        conditions = [*conditions, (among(vendor, "device"), many(vendor, mine))]
    where = " AND ".join(sql for sql, _ in conditions)
    sql = f"SELECT {', '.join(names)} FROM quarantine WHERE {where} ORDER BY id DESC LIMIT %s"
    with connections[read.ALIAS].cursor() as cursor:
        cursor.execute(sql, [*(given for _, given in conditions), limit])
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _shape(row: dict[str, Any]) -> dict[str, Any]:
    is_kept = row.pop("length(payload)") > 0
    return row | {"device": row.pop("uid"), "is_kept": is_kept}


def _text(body: bytes) -> dict[str, str]:
    """As text where it is text, else as Base64."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and (text or not body):
        return {"payload": text}
    return {"payload_base64": base64.b64encode(body).decode()}


urlpatterns = [
    path("quarantine/", QuarantineView.as_view()),
    path("quarantine/<int:number>/body", BodyView.as_view()),
]
