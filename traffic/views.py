# SPDX-License-Identifier: Apache-2.0
"""The page of a timing sheet; what is on it comes over REST, under the viewer's own grants."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def sheet(request: HttpRequest, uid: str) -> HttpResponse:
    return render(request, "traffic/sheet.html", {"uid": uid})
