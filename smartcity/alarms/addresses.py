# SPDX-License-Identifier: Apache-2.0
"""Which push services the city sends to: only those it lists, so that nobody can make it call somewhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def why_not(endpoint: str) -> str:
    """Why this endpoint is not used; empty when it may be."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "This is not an address."
    if not any(_fits(host, allowed) for allowed in settings.PUSH_HOSTS):
        return f"The city does not send to {host or 'this address'}; SMARTCITY_PUSH_HOSTS lists the services it uses."
    if parts.username or parts.password or (port not in (None, 443) and host not in LOOPBACK):
        return "A push endpoint has no user and no port of its own."
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        return "A push endpoint is an https address."
    return ""


def _fits(host: str, allowed: str) -> bool:
    """`*.example` stands for every host below example."""
    return host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:]))


def host(endpoint: str) -> str:
    """Where an endpoint lives, for limits and for words."""
    return urlsplit(endpoint).hostname or ""
