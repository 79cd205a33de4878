# SPDX-License-Identifier: Apache-2.0
"""What phones get of waste (`manage.py runmobile`): the crews' pages, and what those pages call."""

from __future__ import annotations

from django.urls import path

from smartcity.api.views import CREW
from smartcity.domains import Tab
from waste import api, views

TAB = Tab("Crews", "waste-trucks", CREW)
PAGES = [
    path("crew/", views.trucks, name="waste-trucks"),
    path("crew/<str:uid>/", views.round_page, name="waste-crew"),
]
ROUTES = [
    path("crew/<str:uid>", api.RoundView.as_view()),
    path("crew/<str:uid>/reports", api.ReportsView.as_view()),
]
