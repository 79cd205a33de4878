# SPDX-License-Identifier: Apache-2.0
"""Pages of the domain; what they say is fetched under the viewer's own grants."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from smartcity.api.access import scope
from smartcity.api.views import VIEW
from traffic.models import Intersection


@require_safe
@never_cache
def measures(request: HttpRequest, uid: str) -> HttpResponse:
    place = Intersection.objects.filter(scope(request.user, VIEW).where(), uid=uid).first()
    if place is None:
        raise Http404("There is no such intersection, or it is outside your reach.")
    return render(request, "traffic/measures.html", {"place": place})


@require_safe
@never_cache
def sheet(request: HttpRequest, uid: str) -> HttpResponse:
    return render(request, "traffic/sheet.html", {"uid": uid})


@require_safe
@never_cache
def corridors(request: HttpRequest) -> HttpResponse:
    return render(request, "traffic/corridors.html")
