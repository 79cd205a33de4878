# SPDX-License-Identifier: Apache-2.0
"""An export that takes long enough to be broken off: an empty store with its tables, asked for a century."""

from __future__ import annotations

import os
import signal
import sys

import django


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests in the background has it ignored
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcity.settings")
    django.setup()
    from django.contrib.gis.geos import Point
    from django.core.management import execute_from_command_line

    from smartcity.devices.models import Asset, Device, Series, Zone

    zone, _ = Zone.objects.get_or_create(code="centre", name="Centre")
    asset, _ = Asset.objects.get_or_create(
        uid="L-1", domain="lighting", kind="x", name="L-1", geom=Point(25, 60), zone=zone
    )
    device, _ = Device.objects.get_or_create(uid="L-1", asset=asset)
    Series.objects.get_or_create(device=device, metric="lighting.power_w")
    span = ["--from", "1970-01-01T00:00Z", "--to", "2099-01-01T00:00Z"]
    execute_from_command_line(["manage.py", "exportreadings", sys.argv[1], *span])
