# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from smartcity import domains

pages = [c for c in domains.installed() if domains.room(c.name, "urls")]
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("smartcity.rest")),
    path("", include("smartcity.web.urls")),
    *(path(f"{config.label}/", include(f"{config.name}.urls")) for config in pages),
]
handler404 = "smartcity.web.failures.not_found"
handler500 = "smartcity.web.failures.server_error"
