# SPDX-License-Identifier: Apache-2.0
"""A meter or two in the city, with a past in the store and a domain that wants them foreseen."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
import pytest
from django.contrib.gis.geos import Point
from django.db import connections

from smartcity import declared
from smartcity.devices.models import Asset, Device, Series, Zone
from smartcity.kernel.forecasts import Target
from smartcity.kernel.metrics import DataClass, Metric
from smartcity.telemetry import book
from smartcity.telemetry.store import Store

HOUR, DAY = 3_600_000, 86_400_000
NOW = 1_795_593_600_000 + 600_000
TABLES = ("reading", "sealed", "latest", "rollup_15m", "rollup_1h", "rollup_1d", "dirty", "tally", "watermark")
METRICS: Mapping[str, Metric] = {
    "test.load": Metric(
        name="test.load", title="Load", unit="kW", low=-1e6, high=1e6, every_s=900, data_class=DataClass.INTERNAL,
        purpose="to test forecasts",
    )
}  # fmt: skip
METER = Target(metric="test.load", low=0.0, high=5_000.0, kinds=("meter",), purpose="to test forecasts")


def days(count: int, *, noise: float = 2.0, seed: int = 1) -> np.ndarray:
    """Quarter hours up to NOW: 100 ± 60 over the day."""
    steps = np.arange(count * 96)
    return 100 + 60 * np.sin(2 * np.pi * steps / 96) + np.random.default_rng(seed).normal(0, noise, len(steps))


@pytest.fixture
def grid(monkeypatch, transactional_db):
    """`meter(values)` puts a meter with that past on the grid, newest value last, and returns its series."""
    monkeypatch.setattr(declared, "metrics", lambda: METRICS)
    monkeypatch.setattr(declared, "targets", lambda: (METER,))
    zone = Zone.objects.create(code="centre", name="Centre")

    def meter(values, *, kind="meter", uid="", until_ms=NOW, **asset) -> int:
        uid = uid or f"M-{Asset.objects.count()}"
        place = {"geom": Point(24.94, 60.17, srid=4326), "zone": zone, "domain": "test"}
        made = Asset.objects.create(uid=uid, kind=kind, name=uid, **place | asset)
        device = Device.objects.create(uid=uid, asset=made)
        series = Series.objects.create(device=device, metric="test.load").pk
        measure(series, values, until_ms)
        return series

    def measure(series, values, until_ms=NOW) -> None:
        end = until_ms - until_ms % 900_000
        at = end - 900_000 * np.arange(len(values), 0, -1) + 450_000
        store = Store(book=book.write([(series, "test.load")], METRICS))
        store.bulk(np.full(len(values), series), at, np.asarray(values, float), now_ms=until_ms)
        store.close_quarters(until_ms + 300_000)
        store.mend_all()
        store.close()

    yield SimpleNamespace(meter=meter, measure=measure, zone=zone)
    with connections["telemetry"].cursor() as cursor:
        for name in TABLES:
            cursor.execute(f"DELETE FROM {name}")
