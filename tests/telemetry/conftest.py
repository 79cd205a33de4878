# SPDX-License-Identifier: Apache-2.0
"""A store on the test database, with a few series declared for the test."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.db import connections

from smartcity.kernel.metrics import DataClass, Keep, Metric
from smartcity.telemetry import book
from smartcity.telemetry.batch import Batch, Quarantined, Readings
from smartcity.telemetry.store import Store

NOW = 1_799_992_800_000 + 420_000  # 2027-01-15, seven minutes into an hour
TABLES = (
    "reading", "latest", "last_seen", "rollup_15m", "rollup_1h", "rollup_1d", "dirty", "tally", "watermark",
    "quarantine", "retention_run", "sealed", "event_log",
)  # fmt: skip
ALL, MINUTE, LATEST = 1, 2, 3


def metric(name, **changes):
    given = {
        "title": name,
        "unit": "1",
        "low": -1e6,
        "high": 1e6,
        "every_s": 60,
        "data_class": DataClass.INTERNAL,
        "purpose": "to test the store",
        "keep_raw_days": 14,
        "keep_sealed_days": 14,
    }
    return Metric(name=name, **given | changes)


METRICS = {
    found.name: found
    for found in (
        metric("test.all"),
        metric("test.minute", keep=Keep.EVERY, keep_every_s=60),
        metric("test.latest", keep=Keep.LATEST),
    )
}
SERIES = [(ALL, "test.all"), (MINUTE, "test.minute"), (LATEST, "test.latest")]


@pytest.fixture
def telemetry(transactional_db):
    """The tables, empty: the store has a connection of its own, so no test transaction can be rolled back."""
    _empty()
    yield
    _empty()


def _empty():
    """Before too: what another test's store has left is still there."""
    with connections["telemetry"].cursor() as cursor:
        for name in TABLES:
            cursor.execute(f"DELETE FROM {name}")


@pytest.fixture
def new_store(telemetry):
    """Opens stores on the same database, as a process that starts again would."""
    opened = []

    def make(series=SERIES, zone="Europe/Helsinki", closes=True) -> Store:
        opened.append(Store(book=book.write([*series], METRICS), zone=ZoneInfo(zone), closes=closes))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(new_store):
    return new_store()


def readings(*rows, received=None):
    """From (at, series, value) or (at, series, value, quality)."""
    at, series, value, quality = zip(*((*row, 0)[:4] for row in rows), strict=True)
    return Readings(
        np.array(at, np.int64),
        np.array(series, np.int64),
        np.array(value, float),
        np.array(quality, np.int64),
        np.array(at if received is None else [received] * len(at), np.int64),
    )


def batch(*rows, now=NOW, **more):
    return Batch(now_ms=now, readings=readings(*rows), **more) if rows else Batch(now_ms=now, **more)


def quarantined(device=1, kind="bad payload", readings=0, payload=b"{", **more):
    return Quarantined(
        device=device,
        uid=f"D-{device}",
        received_at=NOW,
        transport="mqtt",
        codec="senml/1",
        kind=kind,
        reason="not SenML JSON",
        payload=payload,
        readings=readings,
        **more,
    )


def rows(sql, *given):
    with connections["telemetry"].cursor() as cursor:
        cursor.execute(sql, given)
        return cursor.fetchall()
