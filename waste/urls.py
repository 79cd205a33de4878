# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.urls import path

from waste import views

urlpatterns = [
    path("crew/", views.trucks, name="waste-trucks"),
    path("crew/<str:uid>/", views.round_page, name="waste-crew"),
]
