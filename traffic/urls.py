# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.urls import path

from traffic import views

urlpatterns = [path("corridors/", views.corridors, name="traffic-corridors")]
