# SPDX-License-Identifier: Apache-2.0
"""A city of so many hourly series with weeks of history in its store. Importing it declares their metric and target.

A process of a pool imports what its parent was started from, and so declares the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

from smartcity import declared
from smartcity.kernel.forecasts import Target
from smartcity.kernel.metrics import DataClass, Metric

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
NOW = 1_795_593_600_000 + HOUR_MS + 600_000  # ten past nine of a UTC day
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
METRICS = {
    "bench.load": Metric(
        name="bench.load", title="Load", unit="kW", low=0.0, high=1e6, every_s=3600, data_class=DataClass.INTERNAL,
        purpose="to measure a fleet of forecasts", keep_raw_days=1, keep_sealed_days=1,
    )
}  # fmt: skip
TARGET = Target(
    metric="bench.load", step_s=3600, horizon_steps=168, seasons_steps=(24, 168), low=0.0, high=1e6, levels=LEVELS,
    kinds=("meter",), purpose="to measure a fleet of forecasts",
)  # fmt: skip

declared.metrics = lambda: METRICS  # type: ignore[assignment]
declared.targets = lambda: (TARGET,)  # type: ignore[assignment]


def series(count: int) -> list[int]:
    """Meters with a device and a series each; their ids."""
    from django.contrib.gis.geos import Point

    from smartcity.devices.models import Asset, Device, Series, Zone

    zone = Zone.objects.create(code="centre", name="Centre")
    place = {"zone": zone, "kind": "meter", "geom": Point(24.94, 60.17, srid=4326), "domain": "bench"}
    made = Asset.objects.bulk_create((Asset(uid=f"M-{n}", name=f"M-{n}", **place) for n in range(count)), 2_000)
    devices = Device.objects.bulk_create((Device(uid=one.uid, asset=one) for one in made), 2_000)
    rows = Series.objects.bulk_create((Series(device=one, metric="bench.load") for one in devices), 2_000)
    return [row.pk for row in rows]


def history(ids: list[int], weeks: int) -> Iterator[int]:
    """City day by city day (UTC) through the store's bulk road, as of NOW; yields the readings of each.

    Every series has a level, a day's and a week's shape and a noise of its own; one in fifty hours is missing.
    """
    import numpy as np

    from smartcity.telemetry import book
    from smartcity.telemetry.store import Store

    rng = np.random.default_rng(1)
    number = np.array(ids, np.int64)
    level, swing = rng.lognormal(3, 1, len(ids)), rng.uniform(0.1, 0.9, len(ids))
    phase, weekend, noise = (
        rng.uniform(0, 24, len(ids)),
        rng.uniform(0.5, 1.1, len(ids)),
        rng.uniform(0.03, 0.3, len(ids)),
    )
    store = Store(book=book.write([(pk, "bench.load") for pk in ids], METRICS))
    first = NOW // DAY_MS * DAY_MS - weeks * 7 * DAY_MS
    for day in range(weeks * 7 + 1):
        at = first + day * DAY_MS + np.arange(24) * HOUR_MS
        at = at[at < NOW // HOUR_MS * HOUR_MS]
        hour = (at // HOUR_MS)[:, None]
        shape = 1 + swing * np.sin(2 * np.pi * (hour - phase) / 24)
        shape = shape * np.where(day % 7 >= 5, weekend, 1.0)
        values = level * shape * np.exp(noise * rng.standard_normal(shape.shape))
        values[rng.random(values.shape) < 0.02] = np.nan
        store.bulk(np.tile(number, len(at)), np.repeat(at, len(ids)), values.ravel().round(3), now_ms=NOW)
        yield values.size
    store.mend_all()
    store.close()
