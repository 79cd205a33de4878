# SPDX-License-Identifier: Apache-2.0
"""Every address of `runmobile`. tests/mobile/test_routes.py holds the whole list: what is added here is added there."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from smartcity import domains
from smartcity.alarms import api as alarms
from smartcity.alarms import subscribing_api as subscribing
from smartcity.mobile import views
from smartcity.web import views as shell

rest: list[URLPattern | URLResolver] = [
    path("alarms/", alarms.AlarmsView.as_view()),
    path("alarms/<int:pk>", alarms.AlarmView.as_view()),
    path("alarms/<int:pk>/acknowledge", alarms.Acknowledge.as_view()),
    path("push/key", subscribing.Key.as_view()),
    path("push/subscriptions/", subscribing.Browsers.as_view()),
    path("push/subscriptions/<int:pk>", subscribing.BrowserView.as_view()),
    path("push/test", subscribing.Try.as_view()),
    *(path(f"{config.label}/", include(list(routes))) for config, routes in domains.collect("mobile", "ROUTES")),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("alarms/", views.page, {"template": "mobile/alarms.html"}, name="alarms"),
    path("alarms/<int:number>/", views.alarm, name="alarm"),
    path("settings/notifications/", views.page, {"template": "mobile/notifications.html"}, name="notifications"),
    path("sign-in/", shell.sign_in, name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("manifest.webmanifest", shell.manifest, name="manifest"),
    path("sw.js", shell.service_worker, name="service-worker"),
    path("offline/", shell.offline, name="offline"),
    path("api/v1/", include(rest)),
    *(path(f"{config.label}/", include(list(pages))) for config, pages in domains.collect("mobile", "PAGES")),
]
