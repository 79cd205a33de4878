# SPDX-License-Identifier: Apache-2.0
"""So many meters in a city's files with its tables: python -m tests.forecasting.many_meters COUNT"""

from __future__ import annotations

import sys


def main(count: int) -> None:
    import django

    django.setup()
    import numpy as np
    from django.contrib.gis.geos import Point

    from smartcity import declared
    from smartcity.devices.models import Asset, Device, Series, Zone
    from smartcity.kernel.clock import wall_ms
    from smartcity.telemetry import book
    from smartcity.telemetry.store import Store

    zone = Zone.objects.create(code="centre", name="Centre")
    place = {"kind": "connection_point", "geom": Point(24.94, 60.17, srid=4326), "zone": zone, "domain": "energy"}
    made = Asset.objects.bulk_create(Asset(uid=f"P-{n}", name=f"P-{n}", **place) for n in range(count))
    devices = Device.objects.bulk_create(Device(uid=one.uid, asset=one) for one in made)
    ids = [row.pk for row in Series.objects.bulk_create(Series(device=d, metric="energy.load_kw") for d in devices)]
    end = wall_ms() // 900_000 * 900_000
    at = end - 900_000 * np.arange(10 * 96, 0, -1)
    values = (
        50 + 20 * np.sin(2 * np.pi * at / 86_400_000)[:, None] + np.random.default_rng(1).normal(0, 3, (len(at), count))
    )
    store = Store(book=book.write([(pk, "energy.load_kw") for pk in ids], declared.metrics()))
    store.bulk(np.tile(ids, len(at)), np.repeat(at, count), values.ravel(), now_ms=end)
    store.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
