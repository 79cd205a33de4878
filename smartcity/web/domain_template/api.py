# SPDX-License-Identifier: Apache-2.0
"""REST under /api/v1/newdomain/: what is dry now."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.views import CityView
from smartcity.kernel.clock import clock

from . import loop
from .controller import Policy


class DryView(CityView):
    """Beds whose soil is below the policy's limit, driest first."""

    @extend_schema(operation_id="newdomain_dry", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        reach = self.reach(request)
        within = {row.bed.uid for row in loop.inventory() if reach.allows("newdomain", row.bed.zone.code)}
        beds = [bed for bed in loop.gather(clock.now_ms()).beds if bed.uid in within and bed.moisture is not None]
        dry = sorted((bed.moisture, bed.uid, bed.name) for bed in beds if (bed.moisture or 0.0) < Policy().dry)
        return Response([{"asset": uid, "name": name, "moisture": moisture} for moisture, uid, name in dry])


ROUTES = (path("dry", DryView.as_view()),)
