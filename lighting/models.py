# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.contrib.gis.db import models

from smartcity.devices.models import Asset


class LightingSegment(Asset):
    """A stretch of street lit to one class."""

    normal_class = models.CharField(max_length=2, blank=True, help_text="Empty where nobody has said it.")
    minimum_class = models.CharField(max_length=2, blank=True)
    lanes = models.PositiveSmallIntegerField(null=True, blank=True)
    capacity = models.FloatField(null=True, blank=True, help_text="Vehicles per hour, both directions.")
    highway = models.CharField(max_length=40, blank=True)


class Luminaire(Asset):
    """A light point with its controller; the segment it lights is its parent."""

    power_w = models.FloatField(null=True, blank=True, help_text="Rated power, W.")
