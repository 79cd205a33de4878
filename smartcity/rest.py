# SPDX-License-Identifier: Apache-2.0
"""Everything under /api/v1/: each part of the platform brings its paths, each domain those of its room `api`."""

from __future__ import annotations

from collections.abc import Mapping

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from smartcity import domains
from smartcity.alarms import api as alarms
from smartcity.api.views import VIEW
from smartcity.control import api as control
from smartcity.devices import api as devices
from smartcity.forecasting import api as forecasting
from smartcity.telemetry import api as telemetry
from smartcity.web.asset_detail import AssetView
from smartcity.web.clock_api import ClockView, SpeedView
from smartcity.web.health_api import HealthView, MetricsView


class Schema(SpectacularAPIView):
    """The interface as OpenAPI 3.1, for machines."""

    needs: Mapping[str, str] = {"GET": VIEW}


class Docs(SpectacularSwaggerSplitView):
    """The interface for people to browse and try; served without anything from elsewhere."""

    needs: Mapping[str, str] = {"GET": VIEW}


urlpatterns: list[URLPattern | URLResolver] = [
    path("schema", Schema.as_view(), name="schema"),
    path("docs", Docs.as_view(url_name="schema"), name="docs"),
    path("health", HealthView.as_view()),
    path("metrics", MetricsView.as_view()),
    path("clock", ClockView.as_view()),
    path("clock/speed", SpeedView.as_view()),
    *devices.urlpatterns,
    path("assets/<str:uid>", AssetView.as_view()),
    *telemetry.urlpatterns,
    *forecasting.urlpatterns,
    *control.urlpatterns,
    *alarms.urlpatterns,
    *(path(f"{config.label}/", include(list(routes))) for config, routes in domains.collect("api", "ROUTES")),
]
