# SPDX-License-Identifier: Apache-2.0
"""What every page's frame shows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from smartcity import domains
from smartcity.kernel.clock import clock


def shell(request: HttpRequest) -> dict[str, Any]:
    return {"city": settings.CITY_NAME, "mode": clock.mode, "clock": clock, "domains": domains.installed()}
