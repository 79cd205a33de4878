# SPDX-License-Identifier: Apache-2.0
"""REST: how fast simulated time runs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.audit import actor, record
from smartcity.api.errors import Conflict
from smartcity.api.views import OPERATE, CityView
from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import clock

FASTEST = 60.0


class Speed(serializers.Serializer[Any]):
    speed = serializers.FloatField(min_value=1, max_value=FASTEST)


class ClockView(CityView):
    """City time, its speed and ceiling."""

    @extend_schema(operation_id="clock", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response(_face())


class SpeedView(CityView):
    """Sets the ceiling of the speed (SIMULATION only)."""

    needs = {"POST": OPERATE}

    @extend_schema(operation_id="set_speed", request=Speed, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        if not clock.is_simulation:
            raise Conflict("LIVE is the wall clock; only a simulation can run faster.")
        wish = Speed(data=request.data)
        wish.is_valid(raise_exception=True)
        before = clock.anchor.ceiling
        clock.set_ceiling(wish.validated_data["speed"])
        clocks.save(clock.anchor, settings.VAR / "clock.json")
        record(actor(request), "clock.speed", "city clock", before=before, after=clock.anchor.ceiling)
        return Response(_face())


def _face() -> dict[str, Any]:
    return {"at": clock.now_ms(), "speed": clock.speed, "ceiling": clock.anchor.ceiling, "mode": clock.mode}
