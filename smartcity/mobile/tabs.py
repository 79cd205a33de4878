# SPDX-License-Identifier: Apache-2.0
"""What a person finds at the bottom of each page: alarms for who may see them, and what their domains offer crews."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from smartcity import domains
from smartcity.api.access import scope
from smartcity.api.views import VIEW
from smartcity.domains import Tab

ALARMS = Tab("Alarms", "alarms", VIEW)


def offered(user: Any) -> list[tuple[Tab, str, str]]:
    """(tab, address, icon) of what the account has a grant for."""
    found = [(ALARMS, reverse(ALARMS.page), "alarms")] if not scope(user, VIEW).is_empty else []
    for config, tab in domains.collect("mobile", "TAB"):
        if scope(user, tab.action).touches(config.label):
            found.append((tab, reverse(tab.page), config.icon))
    return found


def context(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"tabs": []}
    return {
        "tabs": [
            {"title": tab.title, "address": address, "icon": icon, "is_here": request.path.startswith(address)}
            for tab, address, icon in offered(user)
        ]
    }
