# SPDX-License-Identifier: Apache-2.0
"""What is not there and what breaks: a page for people, problem details (RFC 9457) for whoever asked the interface."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from smartcity.api.errors import CONTENT_TYPE, problem

NOT_HERE = "There is nothing at this address; /api/v1/docs/ lists what there is."
BROKEN = "Something broke on our side, and the log says what under this request's id."


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, 404, NOT_HERE) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return _problem(request, 500, BROKEN) or defaults.server_error(request)


def _problem(request: HttpRequest, status: int, detail: str) -> HttpResponse | None:
    """None for who wants a page."""
    if not request.path.startswith("/api/"):
        return None
    body = problem(status, detail, getattr(request, "id", ""))
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE)
