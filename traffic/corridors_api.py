# SPDX-License-Identifier: Apache-2.0
"""REST: corridors, and the time-space diagram of one from the stored stages."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.views import whole
from smartcity.kernel.clock import clock
from traffic import board, corridors
from traffic.corridors import Corridor
from traffic.junctions_api import OfJunctions
from traffic.service import GAP_S

SPEED_KMH, LONGEST_MIN = 40, 30
GAP_MS = round(GAP_S * 1000)


class _OfCorridors(OfJunctions):
    def corridors(self, request: Request) -> list[Corridor]:
        """Those of the junctions within reach; one query."""
        rows = self.rows(request)
        return corridors.find([corridors.Place(row.uid, (row.geom.x, row.geom.y), tuple(row.streets)) for row in rows])


class CorridorsView(_OfCorridors):
    """Streets with three signals or more in a row."""

    @extend_schema(operation_id="traffic_corridors", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        found = [
            {"key": one.key, "street": one.street, "junctions": list(one.uids), "length_m": round(one.at_m[-1])}
            for one in self.corridors(request)
        ]
        return Response({"mode": clock.mode, "results": found})


class CorridorView(_OfCorridors):
    """Stages of the last minutes at each signal of a corridor, its greens each way, and the bands of a platoon.

    `out` goes from the first junction to the last, `back` the other way; a band is [from, to] of the departures at the
    way's first junction that meet green all the way at `speed_kmh`.
    """

    @extend_schema(
        operation_id="traffic_corridor",
        responses=OpenApiTypes.OBJECT,
        parameters=[
            OpenApiParameter("speed_kmh", int, description=f"Design speed; {SPEED_KMH} by default"),
            OpenApiParameter("minutes", int, description=f"10 by default, at most {LONGEST_MIN}"),
        ],
    )
    def get(self, request: Request, key: str) -> Response:
        one = next((c for c in self.corridors(request) if c.key == key), None)
        if one is None:
            raise NotFound(f"There is no corridor {key}, or it is outside your reach.")
        speed, minutes = whole(request, "speed_kmh", SPEED_KMH, 120), whole(request, "minutes", 10, LONGEST_MIN)
        now_ms = clock.now_ms()
        by_uid = {row.uid: row for row in self.rows(request).filter(uid__in=one.uids)}
        found = board.look([by_uid[uid] for uid in one.uids], now_ms, max(board.COURSE_MS, minutes * 60_000))
        since = now_ms - minutes * 60_000
        rows = [_row(junction, at, one.bearing, since, now_ms) for junction, at in zip(found, one.at_m, strict=True)]
        ways = {
            way: corridors.bands([(row["at_m"], row[way]) for row in order], speed / 3.6)
            for way, order in (("out", rows), ("back", rows[::-1]))
        }
        head = {"key": one.key, "street": one.street, "from": since, "to": now_ms, "speed_kmh": speed}
        return Response(head | {"mode": clock.mode, "junctions": rows, "bands": ways})


def _row(junction: board.Junction, at_m: float, bearing: float, since: int, now_ms: int) -> dict[str, Any]:
    headings = {part.uid: part.heading for part in junction.sections}
    course = [(at, stage) for at, stage in junction.course if at >= since]
    ways = {
        way: corridors.greens(course, corridors.stages_along(junction.announced, headings, angle), now_ms, GAP_MS)
        for way, angle in (("out", bearing), ("back", (bearing + 180) % 360))
    }
    source, plan = junction.value("traffic.control_source"), junction.value("traffic.plan")
    return {
        "uid": junction.uid,
        "name": junction.name,
        "zone": junction.zone,
        "at_m": round(at_m),
        "source": None if source is None else round(source),
        "plan": None if plan is None else round(plan),
        "cycle_s": None if junction.greens.cycle_s is None else round(junction.greens.cycle_s),
        "delay_s": None if junction.delay_s is None else round(junction.delay_s, 1),
        **ways,
    }


ROUTES = [
    path("corridors", CorridorsView.as_view()),
    path("corridors/<str:key>", CorridorView.as_view()),
]
