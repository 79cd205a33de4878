# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.contrib.gis.geos import Point
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from smartcity.devices.models import Asset, Device, Series, Zone
from smartcity.telemetry import buckets, read
from smartcity.telemetry.buckets import Grain
from smartcity.telemetry.store import Store
from smartcity.twin import backfill as room
from smartcity.twin.backfill import backfill, spans
from smartcity.twin.street import BadStreet

NOW = 1_795_600_000_000
DAY = 86_400_000
pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])]
TABLES = ("reading", "sealed", "latest", "rollup_15m", "rollup_1h", "rollup_1d", "dirty", "tally", "watermark")


@pytest.fixture
def lamp(tmp_path):
    """One lamp in the city and on the street, and one on the street that the city does not know."""
    zone = Zone.objects.create(code="centre", name="Centre")
    asset = Asset.objects.create(
        uid="L-1", domain="lighting", kind="luminaire", name="", geom=Point(24.94, 60.17, srid=4326), zone=zone
    )
    device = Device.objects.create(uid="L-1", asset=asset)
    series = {
        name: Series.objects.create(device=device, metric=f"lighting.{name}").pk for name in ("power_w", "dim_level")
    }
    entry = {
        "uid": "L-1", "secret": "", "domain": "lighting", "kind": "luminaire", "codec": "senml", "lon": 24.94,
        "lat": 60.17, "metrics": ["lighting.power_w", "lighting.dim_level"], "fields": {"power_w": 60},
        "engineering": {"programme": [[15, 100], [23, 60]]}, "twin": {"zone": "Europe/Helsinki"},
    }  # fmt: skip
    path = tmp_path / "street.json"
    path.write_text(json.dumps({"map": "", "devices": [entry, entry | {"uid": "L-2"}]}))
    yield SimpleNamespace(path=path, **series)
    with connections["telemetry"].cursor() as cursor:
        for name in TABLES:
            cursor.execute(f"DELETE FROM {name}")


def test_weeks_are_stored_with_their_rollups_and_progress_is_told(lamp):
    told = []
    report = backfill(NOW, days=16, path=lamp.path, progress=lambda share, words: told.append((share, words)))
    assert (report.readings, report.series, report.unknown, report.absurd) == (16 * 96 * 2, 2, 2, 0)
    assert "3,072 readings of 2 series over 16 days" in report.words() and "not in this city" in report.words()
    assert told[0][0] == 0 and told[-1][0] == pytest.approx(1) and len(told) >= 3
    end = NOW - NOW % 900_000
    wanted: list[tuple[Grain, int]] = [("15m", 16 * 96), ("1h", 16 * 24 - 2), ("1d", 15)]
    for grain, least in wanted:
        _, values = read.grid([lamp.power_w], grain, end - 16 * DAY, end)
        assert np.isfinite(values).sum() >= least
    assert 0 < read.grid([lamp.power_w], "1d", end - 3 * DAY, end)[1][0][0] < 60
    assert read.latest([lamp.power_w])[lamp.power_w].at_ms == end - 450_000
    with connections["telemetry"].cursor() as cursor:
        cursor.execute("SELECT grain FROM dirty ORDER BY 1")
        assert cursor.fetchall() == [("1d",), ("1h",)]  # those in progress, which a city that runs knows otherwise


def test_doing_it_again_changes_nothing(lamp):
    backfill(NOW, days=3, path=lamp.path)
    before = read.grid([lamp.power_w], "15m", NOW - 4 * DAY, NOW)[1]
    report = backfill(NOW, days=3, path=lamp.path)
    assert report.stored == 0
    store = Store()
    store.mend_all()
    store.close()
    assert np.array_equal(before, read.grid([lamp.power_w], "15m", NOW - 4 * DAY, NOW)[1], equal_nan=True)


def test_values_no_sensor_could_measure_are_left_out_and_counted(lamp, monkeypatch):
    street = json.loads(lamp.path.read_text())
    street["devices"][0]["fields"]["power_w"] = 1e6
    lamp.path.write_text(json.dumps(street))
    report = backfill(NOW, days=1, path=lamp.path)
    assert report.absurd > 20 and "outside their metric's range" in report.words()


def test_a_street_that_is_not_there_is_said_at_once(tmp_path):
    with pytest.raises(BadStreet, match="importcity"):
        backfill(NOW, path=tmp_path / "street.json")


def test_the_command_says_it_too(settings, tmp_path):
    settings.VAR = tmp_path
    with pytest.raises(CommandError, match="importcity"):
        call_command("backfill")


def test_spans_are_city_weeks_that_cover_everything(settings):
    edges = spans(NOW, 56)
    assert edges[0] == NOW - NOW % 900_000 - 56 * DAY and edges[-1] == NOW - NOW % 900_000
    zone = ZoneInfo(settings.CITY_TIME_ZONE)
    inner = edges[1:-1]
    assert inner == [int(at) for at in buckets.day(np.array(inner), zone)] and len(inner) == 8
    assert room.DAYS == 56
