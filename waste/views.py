# SPDX-License-Identifier: Apache-2.0
"""The crew's page. Who holds no crew grant for the truck is told so and sees nothing of it."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from smartcity.api.access import Scope, scope
from smartcity.api.views import CREW
from waste import crew


def _reach(request: HttpRequest) -> Scope:
    found = scope(request.user, CREW)
    if not found.touches("waste"):
        raise PermissionDenied("Your account has no crew grant. An administrator can give one.")
    return found


@require_safe
@never_cache
def trucks(request: HttpRequest) -> HttpResponse:
    return render(request, "waste/trucks.html", {"trucks": crew.trucks(_reach(request))})


@require_safe
@never_cache
def round_page(request: HttpRequest, uid: str) -> HttpResponse:
    truck = crew.truck(uid, _reach(request))
    if truck is None:
        raise Http404("There is no such truck, or your account may not work it.")
    return render(request, "waste/crew.html", {"truck": truck, "round": crew.round_of(truck)})
