# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.contrib.gis.db import models

from smartcity.devices.models import Asset


class LightingSegment(Asset):
    """A stretch of street lit to one class."""

    normal_class = models.CharField(max_length=2, default="M4")
    minimum_class = models.CharField(max_length=2, default="M6")
    lanes = models.PositiveSmallIntegerField(default=2)
    capacity = models.FloatField(default=1400.0, help_text="Vehicles per hour, both directions.")
    highway = models.CharField(max_length=40, blank=True)


class Luminaire(Asset):
    """A light point with its controller; the segment it lights is its parent."""

    power_w = models.FloatField(default=60.0, help_text="Rated power, W.")
