# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.contrib.gis.db import models

from smartcity.devices.models import Asset


class Bed(Asset):
    """A planted bed with one valve."""

    area_m2 = models.FloatField(default=500.0)
    flow_l_min = models.FloatField(default=40.0, help_text="Litres a minute with the valve fully open.")
