# SPDX-License-Identifier: Apache-2.0
"""The pages for phones. They render the frame; what is in it is asked for under the person's own grants."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from smartcity.mobile.tabs import offered


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """The first thing the account has a grant for, or that it has none."""
    found = offered(request.user)
    return redirect(found[0][1]) if found else render(request, "mobile/nothing.html", status=403)


@require_safe
@never_cache
def page(request: HttpRequest, template: str) -> HttpResponse:
    return render(request, template)


@require_safe
@never_cache
def alarm(request: HttpRequest, number: int) -> HttpResponse:
    return render(request, "mobile/alarm.html", {"number": number})
