# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, path

from smartcity import domains
from smartcity.web import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="map"),
    path("alarms/", views.page, {"template": "web/alarms.html"}, name="alarms"),
    path("alarms/<int:number>/", views.alarm, name="alarm"),
    path("ledger/", views.page, {"template": "web/ledger.html"}, name="ledger"),
    path("forecasts/", views.page, {"template": "web/forecasts.html"}, name="forecasts"),
    path("forecasts/cards/<str:metric>/<str:kind>/", views.forecast_card, name="forecast-card"),
    path("commands/", views.page, {"template": "web/commands.html"}, name="commands"),
    path("settings/notifications/", views.page, {"template": "web/notifications.html"}, name="notifications"),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path("sw.js", views.service_worker, name="service-worker"),
    path("offline/", views.offline, name="offline"),
    path("admin/", admin.site.urls),
    *(
        path(f"{c.label}/", views.domain_page, {"label": c.label}, name=f"domain-{c.label}")
        for c in domains.installed()
    ),
]
