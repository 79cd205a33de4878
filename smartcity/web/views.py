# SPDX-License-Identifier: Apache-2.0
"""The shell's pages. They render the frame; what is in it comes over REST and the live view."""

from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import select_template
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from smartcity import domains
from smartcity.devices.naming import city_name
from smartcity.kernel.clock import clock
from smartcity.web.doors import open_to_all


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "web/map.html")


@require_safe
@never_cache
def domain_page(request: HttpRequest, label: str) -> HttpResponse:
    """One page per installed domain; `templates/<domain>/page.html` may extend or replace ours."""
    config = next((c for c in domains.installed() if c.label == label), None)
    if config is None:
        raise Http404(f"No domain called {label} is installed.")
    page = select_template([f"{label}/page.html", "web/domain.html"])
    return HttpResponse(page.render({"domain": config}, request))


@require_safe
@never_cache
def page(request: HttpRequest, template: str) -> HttpResponse:
    return render(request, template)


@require_safe
@never_cache
def alarm(request: HttpRequest, number: int) -> HttpResponse:
    """One alarm is one screen; what it says is fetched under the viewer's own grants."""
    return render(request, "web/alarm.html", {"number": number})


@require_safe
@never_cache
def forecast_card(request: HttpRequest, metric: str, kind: str) -> HttpResponse:
    """The model card of one metric and kind; what it says is fetched under the viewer's own grants."""
    return render(request, "web/forecast-card.html", {"metric": metric, "kind": kind})


class SignIn(LoginView):
    template_name = "web/sign-in.html"
    redirect_authenticated_user = True


sign_in = open_to_all(SignIn.as_view())


@open_to_all
@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Makes the console installable. Holds the city's name and nothing else of it."""
    simulated = f" ({clock.mode.lower()})" if clock.is_simulation else ""
    return JsonResponse(
        {
            "name": f"Smart City · {city_name()}{simulated}",
            "short_name": "Smart City",
            "id": "/",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#0f1317",
            "theme_color": "#171d22",
            "icons": [
                {
                    "src": "/static/icons/app-192.png",
                    "sizes": "192x192",
                    "type": "image/png",
                    "purpose": "any maskable",
                },
                {
                    "src": "/static/icons/app-512.png",
                    "sizes": "512x512",
                    "type": "image/png",
                    "purpose": "any maskable",
                },
                {"src": "/static/icons/app.svg", "sizes": "any", "type": "image/svg+xml"},
            ],
        },
        content_type="application/manifest+json",
    )


@open_to_all
@require_safe
@never_cache
def service_worker(request: HttpRequest) -> HttpResponse:
    """Served from the root, so that its scope is the whole console."""
    found = finders.find("js/worker/sw.js")
    if not isinstance(found, str):
        raise Http404("The service worker's file is missing.")
    with open(found, encoding="utf-8") as file:
        return HttpResponse(file.read(), content_type="text/javascript; charset=utf-8")


@open_to_all
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    return render(request, "web/offline.html")
