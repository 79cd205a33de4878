# SPDX-License-Identifier: Apache-2.0
"""Request ids, a strict content security policy, and a door that is closed unless a view says otherwise."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase

View = Callable[[HttpRequest], HttpResponse]


class RequestId:
    """Every request gets an id: in the audit, in problem responses and in the X-Request-Id header."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = secrets.token_hex(8)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response


class ContentSecurityPolicy:
    """No inline script or style, nothing from elsewhere but the tile server the city configured.

    The import map is the one inline script; its nonce is made per request.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.csp_nonce = secrets.token_urlsafe(16)  # type: ignore[attr-defined]
        response = self.get_response(request)
        tiles = f" {settings.TILE_URL.partition('/{')[0]}" if settings.TILE_URL else ""
        policy = {
            "default-src": "'self'",
            "script-src": f"'self' 'nonce-{request.csp_nonce}'",  # type: ignore[attr-defined]
            "style-src": "'self'",
            "style-src-attr": "'unsafe-inline'" if request.path.startswith("/api/v1/docs") else "'none'",
            "img-src": f"'self' data: blob:{tiles}",
            "connect-src": "'self'",
            "font-src": "'self'",
            "worker-src": "'self'",
            "object-src": "'none'",
            "base-uri": "'none'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
        }
        response.setdefault("Content-Security-Policy", "; ".join(f"{k} {v}" for k, v in policy.items()))
        return response


class SignedInOnly:
    """Pages are for people who signed in. A view is open only when marked with `web.doors.open_to_all`.

    The REST interface answers for itself (401 as a problem, not a redirect).
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        if request.user.is_authenticated or request.path.startswith("/api/") or getattr(view, "open_to_all", False):
            return None
        return redirect_to_login(request.get_full_path())
