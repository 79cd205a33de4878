# SPDX-License-Identifier: Apache-2.0
"""What every page's frame shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from smartcity import domains
from smartcity.devices import time_zone
from smartcity.devices.naming import city_name
from smartcity.kernel.clock import clock
from smartcity.web.templatetags.city import layers


def shell(request: HttpRequest) -> dict[str, Any]:
    """The frame's truth at the moment of rendering; live.js keeps it true afterwards."""
    installed, name = domains.installed(), city_name()
    return {
        "city": name,
        "mode": clock.mode,
        "clock": clock,
        "domains": installed,
        "city_time": datetime.fromtimestamp(clock.now_ms() / 1000, time_zone.city_zone()),
        "config": {
            "city": name,
            "zone": time_zone.city(),
            "now": clock.now_ms(),
            "mode": clock.mode,
            "speed": clock.speed,
            "tiles": settings.TILE_URL,
            "basemap": (settings.VAR / "basemap" / "city.pmtiles").exists(),
            "user": request.user.get_username() if hasattr(request, "user") else "",
            "layers": sorted(layers()),
            "domains": [{"label": c.label, "title": c.title or c.label.title(), "shape": c.shape} for c in installed],
        },
    }
