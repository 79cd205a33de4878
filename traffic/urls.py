# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.urls import path

from traffic import views

urlpatterns = [path("sheets/<str:uid>/", views.sheet, name="timing-sheet")]
