# SPDX-License-Identifier: Apache-2.0
"""REST for other systems, to read: signal phase and timing, maps of intersections, DATEX II measured data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.devices.naming import city_name
from smartcity.kernel.clock import clock
from smartcity.kernel.imports import LonLat
from traffic import datex, spat
from traffic.board import Junction
from traffic.junctions_api import PAGED, OfJunctions
from traffic.models import Approach

KEPT_S = 60
XML = "application/xml; charset=utf-8"


def published(found: Sequence[Junction], now_ms: int) -> list[dict[str, Any]]:
    """IntersectionStates; what was said of the last three seconds of a state is said again."""
    keys = {one.uid: f"traffic-spat-{one.uid}" for one in found}
    before = cache.get_many(keys.values())
    shown = {one.uid: spat.held(before.get(keys[one.uid], {}), spat.states(one, now_ms), now_ms) for one in found}
    cache.set_many({keys[uid]: states for uid, states in shown.items()}, KEPT_S)
    return [spat.intersection_state(one, shown[one.uid], now_ms) for one in found]


def maps(found: Sequence[Junction]) -> list[dict[str, Any]]:
    """IntersectionGeometries. One query for the ways out of all."""
    wanted = {one.uid: _beyond(one) for one in found}
    rows = Approach.objects.filter(uid__in={uid for uids in wanted.values() for uid in uids})
    lines = {row.uid: _line(row) for row in rows}
    return [spat.map_geometry(one, {uid: lines[uid] for uid in wanted[one.uid] if uid in lines}) for one in found]


def _beyond(one: Junction) -> set[str]:
    return {uid for data in one.announced.get("approaches", {}).values() for uid in data.get("downstream", ())}


def _line(row: Approach) -> tuple[LonLat, ...]:
    coords = row.geom.coords if row.geom.geom_type == "LineString" else (row.geom.coords,)
    return tuple((x, y) for x, y, *_ in coords)


class SpatsView(OfJunctions):
    """SPaT of every junction, in pages. TimeMarks are tenths of a second of the UTC hour; 36001 is not known."""

    @extend_schema(operation_id="traffic_spats", responses=OpenApiTypes.OBJECT, parameters=PAGED)
    def get(self, request: Request) -> Response:
        found, head = self.page(request)
        return Response(head | {"intersections": published(found, head["at"])})


class SpatView(OfJunctions):
    """SPaT of one junction."""

    @extend_schema(operation_id="traffic_spat", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, uid: str) -> Response:
        found, now_ms = self.one(request, uid), clock.now_ms()
        return Response({"at": now_ms, "mode": clock.mode, "intersections": published([found], now_ms)})


class MapsView(OfJunctions):
    """MAP of every junction, in pages: lanes, ways in and out, and the signal group that opens each."""

    @extend_schema(operation_id="traffic_maps", responses=OpenApiTypes.OBJECT, parameters=PAGED)
    def get(self, request: Request) -> Response:
        found, head = self.page(request)
        return Response(head | {"intersections": maps(found)})


class MapView(OfJunctions):
    """MAP of one junction."""

    @extend_schema(operation_id="traffic_map", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, uid: str) -> Response:
        return Response({"mode": clock.mode, "intersections": maps([self.one(request, uid)])})


class _Datex(OfJunctions):
    def answer(self, request: Request, write: Callable[..., bytes]) -> HttpResponse:
        """`page` counts junctions; X-Next-Page names the page that follows, where there is one."""
        found, head = self.page(request)
        sections = [section for one in found for section in one.sections]
        country = (settings.HOLIDAYS or "xx").partition("-")[0].lower()
        body = write(sections, city=city_name(), country=country, at_ms=head["at"], is_real=not clock.is_simulation)
        headers = {"X-City-Mode": clock.mode} | ({"X-Next-Page": str(head["page"] + 1)} if head["next"] else {})
        return HttpResponse(body, content_type=XML, headers=headers)


class SitesView(_Datex):
    """DATEX II v3 MeasurementSiteTablePublication: one site per approach. As XML."""

    @extend_schema(operation_id="traffic_datex_sites", responses={(200, XML): OpenApiTypes.STR}, parameters=PAGED)
    def get(self, request: Request) -> HttpResponse:
        return self.answer(request, datex.sites)


class MeasuredView(_Datex):
    """DATEX II v3 MeasuredDataPublication: flow, mean speed and occupancy of each approach. As XML."""

    @extend_schema(operation_id="traffic_datex_measured", responses={(200, XML): OpenApiTypes.STR}, parameters=PAGED)
    def get(self, request: Request) -> HttpResponse:
        return self.answer(request, datex.measured)


ROUTES = [
    path("spat", SpatsView.as_view()),
    path("spat/<str:uid>", SpatView.as_view()),
    path("map", MapsView.as_view()),
    path("map/<str:uid>", MapView.as_view()),
    path("datex/sites", SitesView.as_view()),
    path("datex/measured", MeasuredView.as_view()),
]
