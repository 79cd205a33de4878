# SPDX-License-Identifier: Apache-2.0
"""The city's time zone: SMARTCITY_TIME_ZONE, else that of the place its map shows, kept with the map in force."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzfpy
from django.conf import settings

from smartcity.devices.models import CityImport

NOWHERE = "UTC"  # a city without a map, or one at sea

_kept = ""


def of_place(bounds: Sequence[float]) -> str:
    """IANA name of the zone in the middle of `bounds` (west, south, east, north in degrees)."""
    west, south, east, north = bounds
    found = str(tzfpy.get_tz((west + east) / 2, (south + north) / 2))
    try:
        return ZoneInfo(found).key
    except (ZoneInfoNotFoundError, ValueError):
        return NOWHERE


def city() -> str:
    """IANA name; the database is asked once per process, and again by `learn`."""
    return str(settings.CITY_TIME_ZONE) or _kept or learn()


def city_zone() -> ZoneInfo:
    return ZoneInfo(city())


def learn() -> str:
    """Look up what the map in force says, which another process may have changed. One query; none where it is set."""
    global _kept
    if settings.CITY_TIME_ZONE:
        return str(settings.CITY_TIME_ZONE)
    summary = CityImport.objects.filter(is_current=True).values_list("summary", flat=True).first() or {}
    _kept = summary.get("time_zone") or (of_place(summary["bounds"]) if summary.get("bounds") else NOWHERE)
    return _kept
