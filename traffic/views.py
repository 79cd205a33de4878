# SPDX-License-Identifier: Apache-2.0
"""The corridor page; what it says is fetched under the viewer's own grants."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def corridors(request: HttpRequest) -> HttpResponse:
    return render(request, "traffic/corridors.html")
