# SPDX-License-Identifier: Apache-2.0
"""Pages of the domain."""

from __future__ import annotations

from django.urls import path

from traffic import views

urlpatterns = [
    path("sheets/<str:uid>/", views.sheet, name="timing-sheet"),
    path("measures/<str:uid>/", views.measures, name="traffic-measures"),
    path("corridors/", views.corridors, name="traffic-corridors"),
]
