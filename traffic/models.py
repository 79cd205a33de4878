# SPDX-License-Identifier: Apache-2.0
"""Signalised intersections and the approaches that lead into them."""

from __future__ import annotations

from django.db import models

from smartcity.devices.models import Asset


class Intersection(Asset):
    """A junction with a signal controller. Stages and intergreens are what its device announces, not columns."""

    signal_nodes = models.JSONField(default=list, help_text="Map nodes of its signals.")
    ways = models.JSONField(default=list, help_text="Map ways that lead in, by which simulated signals are matched.")
    streets = models.JSONField(default=list)


class Approach(Asset):
    """One way into an intersection, traced upstream as far as its detector sees."""

    heading = models.FloatField(help_text="Degrees clockwise from north, in travel direction at the stop line.")
    lanes = models.PositiveSmallIntegerField(null=True, blank=True)
    length_m = models.FloatField(help_text="How far upstream of the stop line it is observed.")
    speed_kmh = models.FloatField(null=True, blank=True)
    ways = models.JSONField(default=list, help_text="Map ways from the stop line upstream.")
