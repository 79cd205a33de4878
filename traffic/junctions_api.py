# SPDX-License-Identifier: Apache-2.0
"""REST: how well junctions and road sections serve who comes, one by one and as GeoJSON."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.views import CityView, whole
from smartcity.devices import places
from smartcity.kernel.clock import clock
from traffic import board, foreseeing, shapes
from traffic.board import Junction
from traffic.models import Intersection
from traffic.nowcast import STEP_S
from traffic.service import SCALES

SCALE = OpenApiParameter("scale", str, enum=list(SCALES), description="Levels by HBS 2015 (default) or HCM 2010")
PAGED = [
    OpenApiParameter("bbox", str, description="west,south,east,north in degrees"),
    OpenApiParameter("zone", str),
    OpenApiParameter("page", int),
    OpenApiParameter("page_size", int, description="Junctions a page: 50, at most 200"),
]


class OfJunctions(CityView):
    """Junctions within the caller's reach, by page or by uid; others answer 404."""

    def rows(self, request: Request) -> QuerySet[Intersection]:
        found = Intersection.objects.filter(self.reach(request).where(), missing_since=None)
        return found.select_related("zone").order_by("uid")

    def page(self, request: Request) -> tuple[list[Junction], dict[str, Any]]:
        """The junctions of the page asked for and what is said above them. Cost: those of the page."""
        found = self.rows(request)
        if "zone" in request.query_params:
            found = found.filter(zone__code=request.query_params["zone"])
        if "bbox" in request.query_params:
            found = places.in_box(found, box(request.query_params["bbox"]))
        number, size = whole(request, "page", 1, 10**6), whole(request, "page_size", 50, 200)
        now_ms, count = clock.now_ms(), found.count()
        shown = board.look(list(found[(number - 1) * size : number * size]), now_ms)
        more = f"page={number + 1}" if number * size < count else None
        return shown, {"at": now_ms, "mode": clock.mode, "count": count, "page": number, "next": more}

    def one(self, request: Request, uid: str) -> Junction:
        row = self.rows(request).filter(uid=uid).first()
        if row is None:
            raise NotFound(f"There is no junction {uid}, or it is outside your reach.")
        return board.look([row], clock.now_ms())[0]


def box(text: str) -> places.Box:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise ValidationError({"bbox": "Write west,south,east,north in degrees."}) from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ValidationError({"bbox": "West must be less than east and south less than north, in degrees."})
    return west, south, east, north


def scale_of(request: Request) -> str:
    found: str = request.query_params.get("scale", "hbs")
    if found not in SCALES:
        raise ValidationError({"scale": f"Choose one of {', '.join(SCALES)}."})
    return found


class ServiceView(OfJunctions):
    """Levels of service as GeoJSON: a point per junction and a line per road section that leads into it."""

    @extend_schema(operation_id="traffic_service", responses=OpenApiTypes.OBJECT, parameters=[SCALE, *PAGED])
    def get(self, request: Request) -> Response:
        scale = scale_of(request)
        found, head = self.page(request)
        drawn = [feature for one in found for feature in shapes.features(one, scale)]
        return Response({"type": "FeatureCollection"} | head | {"scale": scale, "features": drawn})


class JunctionView(OfJunctions):
    """One junction with its approaches: saturation, back of queue, delay, level of service, travel time."""

    @extend_schema(operation_id="traffic_junction", responses=OpenApiTypes.OBJECT, parameters=[SCALE])
    def get(self, request: Request, uid: str) -> Response:
        scale, one = scale_of(request), self.one(request, uid)
        approaches = [shapes.section(part, scale) for part in one.sections]
        return Response(shapes.junction(one, scale) | {"now": clock.now_ms(), "approaches": approaches})


class NowcastView(OfJunctions):
    """The next hour in steps of five minutes, per approach: flow (veh/h), queue (veh), travel time (s).

    Each step is [value, low, high]; the band holds 80 % by how wrong the same way was so far today, null while too
    little of today is known. A quantity is null where neither today nor the usual day is known.
    """

    @extend_schema(operation_id="traffic_nowcast", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, uid: str) -> Response:
        one, now_ms = self.one(request, uid), clock.now_ms()
        found = foreseeing.hours([part.uid for part in one.sections], now_ms)
        approaches = [shapes.hour(part, found[part.uid]) for part in one.sections]
        start = min((hour.start_ms for hour in found.values()), default=now_ms)
        return Response({"uid": uid, "start": start, "step_s": STEP_S, "mode": clock.mode, "approaches": approaches})


ROUTES = [
    path("service", ServiceView.as_view()),
    path("junctions/<str:uid>", JunctionView.as_view()),
    path("junctions/<str:uid>/nowcast", NowcastView.as_view()),
]
