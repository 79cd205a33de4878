# SPDX-License-Identifier: Apache-2.0
"""REST: how the city process is."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import vitals
from smartcity.api.views import CityView
from smartcity.web import exposition


class HealthView(CityView):
    """Every part of the running process in its own words: pipeline and ledgers, loops, tasks, event loop."""

    @extend_schema(operation_id="health", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response(vitals.gather())


class MetricsView(CityView):
    """The same as Prometheus reads it; let it sign in with the token of an account that may view."""

    @extend_schema(operation_id="metrics", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(exposition.text(), content_type=exposition.CONTENT_TYPE)
