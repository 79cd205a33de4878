# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.contrib.gis.db import models

from smartcity.devices.models import Asset


class Feeder(Asset):
    """A medium-voltage feeder of the municipal utility, measured at its head."""

    rated_kva = models.FloatField(default=4000.0)


class Transformer(Asset):
    """A distribution transformer (CIM PowerTransformer); its feeder is its parent."""

    rated_kva = models.FloatField(default=630.0)


class ConnectionPoint(Asset):
    """Where a city-owned building meets the grid; its transformer is its parent."""

    use = models.CharField(max_length=20, default="office")
    peak_kw = models.FloatField(default=60.0)
    contracted_kw = models.FloatField(default=60.0)


class PvPlant(Asset):
    """A roof plant behind a connection point, its parent."""

    peak_kw = models.FloatField(default=20.0)


class Battery(Asset):
    """A stationary battery behind a connection point, its parent."""

    capacity_kwh = models.FloatField(default=100.0)
    power_kw = models.FloatField(default=50.0)


class Charger(Asset):
    """A charging point (OCPP EVSE) behind a connection point, its parent."""

    power_kw = models.FloatField(default=22.0)
