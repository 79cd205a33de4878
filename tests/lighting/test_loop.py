# SPDX-License-Identifier: Apache-2.0
"""What lighting's loop sees, and when it sees nothing to steer."""

from __future__ import annotations

from math import isnan
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.contrib.gis.geos import LineString, Point
from django.db import connections

from lighting import loop
from lighting.loop import Design, LampRow, StreetRow
from lighting.models import LightingSegment, Luminaire
from smartcity.devices.models import Device, EngineeringRecord, Series, Zone
from smartcity.forecasting import read as forecasts
from smartcity.kernel.clock import clock
from smartcity.telemetry import read
from smartcity.telemetry.context import Source
from tests.lighting.test_decide import change_after

HOUR_MS = 3_600_000
NIGHT = 1_700_000_000_000  # 14 November 2023, 22:13 UTC


@pytest.fixture
def town(monkeypatch):
    segment: Any = SimpleNamespace(uid="S-1", name="Test street")
    lamp = LampRow("L-1", 60.17, 24.94, 100.0, 50.0, None, {})
    design = Design("M3", "M5", 2, 1000.0)
    monkeypatch.setattr(loop, "inventory", lambda: [StreetRow(segment, design, (lamp,), (Source(7, "A-1", ()),))])
    monkeypatch.setattr(read, "latest", lambda ids: {})
    monkeypatch.setattr(forecasts, "latest", lambda ids: {})


def test_streets_are_steered_from_dusk_until_a_quarter_of_an_hour_before_dawn(town):
    dawn = change_after(NIGHT)
    dusk = change_after(dawn)
    minutes = {at: [s.uid for s in loop.gather(at).streets] for at in (dawn - 16 * 60_000, dawn - 14 * 60_000)}
    assert list(minutes.values()) == [["S-1"], []]
    assert not loop.gather(dusk - 120_000).is_dark and loop.gather(dusk).is_dark


def hourly(lamp, days, level):
    """A series of the lamp with one closed hour a day, at the same time of day; `level(back)` in %."""
    device = Device.objects.create(uid=lamp.uid, asset=lamp)
    series = Series.objects.create(device=device, metric="lighting.dim_level").pk
    with connections["telemetry"].cursor() as cursor:
        for back in range(1, days + 1):
            start, value = NIGHT // HOUR_MS * HOUR_MS - back * 24 * HOUR_MS, level(back)
            cursor.execute(
                "INSERT INTO rollup_1h(bucket, series, n, n_good, total, low, high, last) "
                "VALUES (%s, %s, 4, 4, %s, 0, %s, %s)",
                [start, series, 4 * value, value, value],
            )


@pytest.mark.django_db(databases=["default", "telemetry"])
def test_the_dimming_level_stands_beside_what_is_usual_at_this_hour(mapped):
    hourly(mapped[1], 20, lambda back: 50.0 + back)
    found = loop.headline(NIGHT).normal
    assert found is not None and 51.0 <= found.low < found.usual < found.high <= 70.0


@pytest.mark.django_db(databases=["default", "telemetry"])
def test_a_city_too_young_for_it_has_no_normal(mapped):
    hourly(mapped[1], 3, lambda back: 50.0)
    assert loop.headline(NIGHT).normal is None


def test_dark_lamps_do_not_make_the_lit_ones_look_dimmer():
    levels = np.array([[60.0, 0.0, np.nan], [0.0, 0.0, np.nan], [80.0, np.nan, np.nan]])
    lit = loop._lit(levels)
    assert lit.tolist()[:2] == [70.0, 0.0] and isnan(lit[2])


@pytest.fixture
def mapped():
    """A street and its lamp as a map knows them: places, and nothing else."""
    loop._inventory.cache_clear()
    loop._usual.cache_clear()
    zone = Zone.objects.create(code="centre", name="Centre")
    shared = {"domain": "lighting", "zone": zone}
    line = LineString((24.9, 60.1), (24.91, 60.1), srid=4326)
    street = LightingSegment.objects.create(uid="S-1", kind="lighting_segment", geom=line, **shared)
    at = Point(24.9, 60.1, srid=4326)
    lamp = Luminaire.objects.create(uid="L-1", kind="luminaire", geom=at, parent=street, **shared)
    yield street, lamp
    loop._inventory.cache_clear()
    loop._usual.cache_clear()


@pytest.mark.django_db(databases=["default", "telemetry"])
def test_a_street_the_map_says_nothing_of_is_shown_and_left_to_its_programme(mapped):
    (row,) = loop.inventory()
    assert row.design is None and row.counted_by == ()
    assert (row.lamps[0].power_w, row.lamps[0].programme) == (None, None) and isnan(row.lamps[0].least)
    assert loop.gather(NIGHT).streets == ()


@pytest.mark.django_db(databases=["default", "telemetry"])
def test_what_an_engineer_drew_up_for_a_street_and_its_lamps_counts(mapped):
    street, lamp = mapped
    design = {"normal_class": "M4", "minimum_class": "M6", "lanes": 2, "capacity": 1400}
    EngineeringRecord.objects.create(asset=street, data=design)
    EngineeringRecord.objects.create(asset=lamp, data={"normal_class": "M4", "minimum_class": "M6", "power_w": 75})
    (row,) = loop.inventory()
    assert row.design == Design("M4", "M6", 2, 1400.0)
    assert (row.lamps[0].power_w, row.lamps[0].least) == (75.0, 40.0)


def test_a_quarter_is_judged_when_what_it_measured_has_had_time_to_come_in(town, monkeypatch):
    lamp = LampRow("L-1", 60.17, 24.94, 100.0, 50.0, None, {"lighting.dim_level": 1, "lighting.power_w": 2})
    street: Any = SimpleNamespace()
    monkeypatch.setattr(loop, "inventory", lambda: [StreetRow(street, None, (lamp,), ())])
    starts = NIGHT // 900_000 * 900_000 + 900_000 * np.arange(4)
    monkeypatch.setattr(read, "grid", lambda *asked: (starts, np.full((1, 4), np.nan)))
    end = int(starts[-1]) + 900_000
    found = {}
    for now in (end, end + 900_000):
        monkeypatch.setattr(clock, "now_ms", lambda now=now: now)
        found[now] = {row.kpi: row.value for row in loop.worth(int(starts[0]), end)}["not_known"]
    assert list(found.values()) == [45.0, 60.0]
