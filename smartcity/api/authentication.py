# SPDX-License-Identifier: Apache-2.0
"""Who is asking: a browser session or a token. OIDC or a proxy header would be one more class in this file."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from smartcity.api.models import ApiToken


class SignedIn(SessionAuthentication):
    """Django's session, with CSRF protection."""

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="smart city"'


class Token(BaseAuthentication):
    """`Authorization: Bearer <token>`. Tokens are 256-bit random, so a hash look-up reveals nothing by its timing."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key:
            return None
        digest = hashlib.sha256(key.strip().encode()).digest()
        token = ApiToken.objects.select_related("user").filter(token_sha256=digest, revoked_at=None).first()
        if token is None or not token.user.is_active or (token.expires_at and token.expires_at <= timezone.now()):
            raise AuthenticationFailed("This token is unknown, revoked or expired.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="smart city"'


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI description names a browser session."""

    target_class = SignedIn
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI description names a token."""

    target_class = Token
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def issue_token(user: Any, name: str) -> str:
    """Make a token for `user`; what is returned is shown once and cannot be read back."""
    token = ApiToken(user=user, name=name)
    key = give_key(token)
    token.save()
    return key


def give_key(token: ApiToken) -> str:
    """A new key for a token that is not stored yet; the token keeps only what recognises it."""
    key = secrets.token_hex(32)
    token.token_sha256 = hashlib.sha256(key.encode()).digest()
    return key
