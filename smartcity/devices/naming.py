# SPDX-License-Identifier: Apache-2.0
"""What the city is called on its pages."""

from __future__ import annotations

from django.conf import settings

from smartcity.devices.models import CityImport

UNNAMED = "An empty city"


def city_name() -> str:
    """SMARTCITY_NAME, else what the map in force is called: `new-town.osm.pbf` → `new town`."""
    if settings.CITY_NAME:
        return str(settings.CITY_NAME)
    source = CityImport.objects.filter(is_current=True).values_list("source", flat=True).first()
    return source.partition(".")[0].replace("-", " ").replace("_", " ") if source else UNNAMED
